import { ServeConfigError } from './errors.ts'
import { type Cors, type CorsOptions, createCors, readOrigins } from './http/cors.ts'
import { type LogRecord, writeLog } from './log.ts'
import type { Participant } from './participant.ts'

export interface ServeOptions {
  /** Take part in every invocation, the first outermost. */
  readonly with?: readonly Participant[]
  /** A path such as `/v1` that is taken off the front of the request's path, after the stage. None when absent. */
  readonly basePath?: string
  /**
   * Which pages of other origins may use the application; false leaves CORS to it. When absent, the environment
   * variable `CORS_ORIGINS` lists them; without it CORS is left to the application.
   */
  readonly cors?: CorsOptions | false
  /**
   * Sends answers while they are made, where the front can: a Function URL whose invoke mode is `RESPONSE_STREAM`, or
   * a REST API whose integration streams. The other fronts get whole answers. False when absent. Where the environment
   * variable `THAW_STREAM` says whether the front streams, as it does in functions of a Thaw application, it decides.
   */
  readonly stream?: boolean
  /**
   * Shows messages and stacks of all errors to the client. When absent: whether the environment variable
   * `ENVIRONMENT` is `development`, `dev`, `local` or `test`.
   */
  readonly exposeErrors?: boolean
  /** Writes a record for every answer, not only for those that failed. False when absent. */
  readonly logRequests?: boolean
  /** Gets the records. One line of JSON on standard error or output when absent. */
  readonly log?: (record: LogRecord) => void
}

/** Options with everything decided. */
export interface Settings {
  readonly participants: readonly Participant[]
  /** '' for none. */
  readonly basePath: string
  readonly cors: Cors | null
  readonly stream: boolean
  readonly exposeErrors: boolean
  readonly logRequests: boolean
  readonly log: (record: LogRecord) => void
}

/** @throws ServeConfigError for options that cannot work. */
export function settle(options: ServeOptions, environment: NodeJS.ProcessEnv): Settings {
  const { with: participants = [], basePath = '', log = writeLog } = options
  checkBasePath(basePath)
  checkParticipants(participants)
  return {
    participants,
    basePath,
    cors: settleCors(options.cors, environment.CORS_ORIGINS),
    stream: settleStream(options.stream, environment.THAW_STREAM),
    exposeErrors: options.exposeErrors ?? isDevelopment(environment.ENVIRONMENT),
    logRequests: options.logRequests ?? false,
    log,
  }
}

function checkBasePath(basePath: string): void {
  if (basePath === '' || /^(?:\/[^/]+)+$/.test(basePath)) return
  throw new ServeConfigError(`basePath must look like /v1 or /a/b, without a / at its end: ${basePath}`)
}

/** @throws ServeConfigError */
export function checkParticipants(participants: readonly Participant[]): void {
  if (!Array.isArray(participants)) throw new ServeConfigError('with must be an array of participants.')
  participants.forEach((participant, index) => {
    if (typeof participant?.around === 'function' || typeof participant?.shutdown === 'function') return
    throw new ServeConfigError(
      `with[${index}] takes no part in invocations: it has neither around nor shutdown.`,
    )
  })
}

/** The front is set up either way; an answer in the other way would reach the client as nonsense. */
function settleStream(option: boolean | undefined, variable: string | undefined): boolean {
  return variable === undefined ? (option ?? false) : variable === 'true'
}

function settleCors(option: ServeOptions['cors'], variable: string | undefined): Cors | null {
  if (option === false) return null
  if (option) return createCors(option)
  const origins = readOrigins(variable)
  return origins === null ? null : createCors({ origins })
}

function isDevelopment(environment: string | undefined): boolean {
  return ['development', 'dev', 'local', 'test'].includes(environment?.toLowerCase() ?? '')
}
