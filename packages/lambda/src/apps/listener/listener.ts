import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { ServeConfigError } from '../../errors.ts'
import type { RequestParts } from '../../http/request.ts'
import type { Invocation } from '../../invocation.ts'
import { describeError, logLine, writeLog } from '../../log.ts'
import type { OwnApp } from '../app.ts'
import type { Application } from '../application.ts'
import { fill } from './request.ts'
import { connect } from './response.ts'
import { Wire } from './wire.ts'

/** What `http.createServer` takes. */
export type RequestListener = (request: IncomingMessage, response: ServerResponse) => unknown

/** A Fastify instance. */
export interface FastifyApp {
  ready(): PromiseLike<unknown>
  routing(request: IncomingMessage, response: ServerResponse): unknown
}

/**
 * Makes of an application for Node one for `serve`: of an Express or Fastify application, of a server that is not
 * listening, or of any listener as `http.createServer` takes it.
 *
 * @throws ServeConfigError for anything else.
 */
export function nodeListener(app: RequestListener | FastifyApp | Server): OwnApp {
  if (typeof app === 'function') return { application: listenerApplication(app) }
  if ('routing' in app && typeof app.ready === 'function') return { application: fastifyApplication(app) }
  if ('emit' in app && typeof app.emit === 'function') {
    return { application: listenerApplication((request, response) => app.emit('request', request, response)) }
  }
  throw new ServeConfigError(
    'nodeListener() takes a listener, an Express or Fastify application, or a server.',
  )
}

// Fastify has its routes and plugins in place only when it is ready; a failure to get there is each request's.
function fastifyApplication(app: FastifyApp): Application {
  const handle = listenerApplication((request, response) => app.routing(request, response))
  let ready: PromiseLike<unknown> | null = null
  return async (request, invocation) => {
    ready ??= app.ready()
    await ready
    return handle(request, invocation)
  }
}

/**
 * Calls a Node listener with Node's own request and response, at the end of a wire that leads nowhere: what the
 * listener may do is what it may do behind `http.createServer`, save upgrades.
 */
function listenerApplication(listener: RequestListener): Application {
  const { IncomingMessage, ServerResponse } = process.getBuiltinModule('node:http')
  return (parts, invocation) => {
    const wire = new Wire(invocation.clientAddress ?? undefined, parts.origin.startsWith('https:'))
    const request = fill(new IncomingMessage(wire as never), parts)
    const response = connect(new ServerResponse(request), wire)
    const fail = (error: unknown) => {
      if (wire.isComplete) reportLate(parts, invocation, error)
      else wire.fail(error)
    }
    try {
      const returned = listener(request, response)
      if (returned instanceof Promise) returned.catch(fail)
    } catch (error) {
      fail(error)
    }
    return wire.answer
  }
}

/** The client has its answer, and a server of Node would end the process: nobody else would ever hear of it. */
function reportLate({ method, target }: RequestParts, invocation: Invocation, error: unknown): void {
  const message = `${method} ${target.split('?', 1)[0]} failed after it was answered`
  const line = logLine('ERROR', message, invocation)
  writeLog({ ...line, error: describeError(error) })
}
