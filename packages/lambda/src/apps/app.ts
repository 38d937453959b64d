import { ServeConfigError } from '../errors.ts'
import type { Application } from './application.ts'
import { type FetchApp, fetchApplication } from './fetch.ts'

/** A web application that is called in a way of its own, such as `nodeListener` makes it. */
export interface OwnApp {
  readonly application: Application
}

/** What `serve` takes. */
export type App = FetchApp | OwnApp

/** Finds out by its shape how `app` is called. Throws `ServeConfigError`. */
export function applicationOf(app: App): Application {
  const shape = Object(app) as Partial<Record<string, unknown>>
  if (typeof shape.application === 'function') return shape.application as Application
  if (typeof shape.fetch === 'function') return fetchApplication(app as FetchApp)
  // Express and Fastify applications and servers of Node all can listen, and a function from Request to Response not.
  if (typeof shape.listen === 'function') {
    throw new ServeConfigError('An application for Node is served as serve(nodeListener(app)).')
  }
  if (typeof app === 'function') return fetchApplication(app)
  throw new ServeConfigError(
    'serve() takes an application with a fetch method (such as Hono), a function from Request to Response, or ' +
      'nodeListener(app) for Express, Fastify and other listeners of Node.',
  )
}
