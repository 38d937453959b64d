import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { ServeConfigError } from '../errors.ts'
import type { Application } from './application.ts'
import { type FetchApp, fetchApplication } from './fetch.ts'
import { listenerApplication, type RequestListener } from './listener/listener.ts'

/** An Express application: a listener that says of itself what it is. */
export type ExpressApp = RequestListener & { readonly handle: unknown; readonly listen: unknown }

/** A Fastify instance. */
export interface FastifyApp {
  ready(): PromiseLike<unknown>
  routing(request: IncomingMessage, response: ServerResponse): unknown
}

/** A plain listener, marked as such: a function alone could as well take a `Request`. */
export interface ListenerApp {
  readonly listener: RequestListener
}

/** What `serve` takes. */
export type App = FetchApp | ExpressApp | FastifyApp | ListenerApp | Server

/** Marks a listener, `(request, response) => …` of `http.createServer`, for `serve`. */
export function nodeListener(listener: RequestListener): ListenerApp {
  return { listener }
}

/** Finds out by its shape how `app` is called. Throws `ServeConfigError`. */
export function applicationOf(app: App): Application {
  const shape = Object(app) as Partial<Record<string, unknown>>
  if (typeof shape.fetch === 'function') return fetchApplication(app as FetchApp)
  if (typeof shape.listener === 'function') return listenerApplication(shape.listener as RequestListener)
  if (typeof shape.routing === 'function' && typeof shape.ready === 'function')
    return fastify(app as FastifyApp)
  if (typeof app === 'function') {
    const isExpress = typeof shape.handle === 'function' && typeof shape.listen === 'function'
    return isExpress ? listenerApplication(app as RequestListener) : fetchApplication(app as FetchApp)
  }
  if (typeof shape.emit === 'function' && typeof shape.listen === 'function') {
    return listenerApplication((request, response) => (app as Server).emit('request', request, response))
  }
  throw new ServeConfigError(
    'serve() takes an application with a fetch method (such as Hono), a function from Request to Response, an ' +
      'Express or Fastify application, an http.Server, or nodeListener(…).',
  )
}

// Fastify has its routes and plugins in place only when it is ready; a failure to get there is each request's.
function fastify(app: FastifyApp): Application {
  const handle = listenerApplication((request, response) => app.routing(request, response))
  let ready: PromiseLike<unknown> | null = null
  return async (request, invocation) => {
    ready ??= app.ready()
    await ready
    return handle(request, invocation)
  }
}
