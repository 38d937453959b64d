import { ServeConfigError } from '../errors.ts'
import type { Application } from './application.ts'
import { type FetchApp, fetchApplication } from './fetch.ts'

/** What `serve` takes. */
export type App = FetchApp

/** Finds out by its shape how `app` is called. Throws `ServeConfigError`. */
export function applicationOf(app: App): Application {
  if (typeof app === 'function' || typeof app?.fetch === 'function') return fetchApplication(app)
  throw new ServeConfigError(
    'serve() takes an application with a fetch method (such as Hono), or a function from Request to Response.',
  )
}
