import { MalformedEventError, ServeConfigError } from './errors.ts'
import { type ApiGatewayV2Response, writeHttpV2Answer } from './fronts/http-v2/answer.ts'
import {
  checkHttpV2Event,
  type HttpV2Event,
  type HttpV2RequestContext,
  text,
} from './fronts/http-v2/event.ts'
import { readHttpV2Request } from './fronts/http-v2/request.ts'
import { createRequest } from './http/request.ts'
import { readResponse } from './http/response.ts'
import { checkContext, type Invocation, type LambdaContext, within } from './invocation.ts'
import { describeError, type LogRecord, writeLog } from './log.ts'
import { nest, type Participant } from './participant.ts'
import { problemResponse } from './problem.ts'

/** The second argument an application gets: where it runs. Hono shows it as `c.env`. */
export interface LambdaEnv {
  readonly event: HttpV2Event
  readonly requestContext: HttpV2RequestContext
  readonly lambdaContext: LambdaContext
}

export type FetchHandler = (request: Request, env: LambdaEnv) => Response | Promise<Response>

/** A fetch-style application: Hono or anything else with `fetch`, or a bare function. */
export type FetchApp = FetchHandler | { readonly fetch: FetchHandler }

export interface ServeOptions {
  /** Take part in every invocation, the first outermost. */
  readonly with?: readonly Participant[]
  /** A path such as `/v1` that is taken off the front of the request's path, after the stage. None when absent. */
  readonly basePath?: string
  /**
   * Shows messages and stacks of all errors to the client. When absent: whether the environment variable
   * `ENVIRONMENT` is `development`, `dev`, `local` or `test`.
   */
  readonly exposeErrors?: boolean
  /** Gets one record for each answer of 500 and above that a throw led to. One line of JSON on standard error when absent. */
  readonly log?: (record: LogRecord) => void
}

export type HttpHandler = (event: unknown, context: LambdaContext) => Promise<ApiGatewayV2Response>

/**
 * Makes a Lambda handler of a fetch-style application, for HTTP APIs (payload format 2.0) and Function URLs.
 *
 * Whatever the application or a participant throws is answered, as `problem+json`. The handler itself rejects with
 * `NotHttpEventError`, `MalformedEventError` or `InvalidContextError` for an invocation that no front makes.
 *
 * @throws ServeConfigError at once, for an application or options it cannot work with.
 */
export function serve(app: FetchApp, options: ServeOptions = {}): HttpHandler {
  const handle = fetchOf(app)
  const { with: participants = [], basePath = '', log = writeLog } = options
  checkOptions(participants, basePath)
  const exposeErrors = options.exposeErrors ?? isDevelopment(process.env.ENVIRONMENT)
  let coldStart = true

  return async (event, lambdaContext) => {
    checkHttpV2Event(event)
    checkContext(lambdaContext)
    const { requestContext } = event
    const invocation: Invocation = {
      requestId: lambdaContext.awsRequestId,
      deadline: Date.now() + lambdaContext.getRemainingTimeInMillis(),
      coldStart,
      clientAddress: text(requestContext.http.sourceIp, 'requestContext.http.sourceIp'),
      event,
      lambdaContext,
    }
    coldStart = false
    const { method } = requestContext.http
    const answer = async (response: Response) => writeHttpV2Answer(await readResponse(response, method))
    const fail = async (error: unknown) => {
      const failed = await answer(problemResponse(error, invocation.requestId, exposeErrors))
      if (failed.statusCode >= 500) log(recordOf(error, event, invocation, failed.statusCode))
      return failed
    }

    return within(invocation, async () => {
      try {
        const parts = readHttpV2Request(event, basePath)
        const env: LambdaEnv = { event, requestContext, lambdaContext }
        // A participant may run this again, so that each run makes a request of its own.
        return await nest(participants, invocation, async () =>
          answer(await handle(createRequest(parts), env)),
        )
      } catch (error) {
        if (error instanceof MalformedEventError) throw error
        // A response that the error itself brought may be one that cannot be sent.
        return await fail(error).catch((second) => fail(new AggregateError([error, second], String(error))))
      }
    })
  }
}

function fetchOf(app: FetchApp): FetchHandler {
  if (typeof app === 'function') return app
  if (typeof app?.fetch === 'function') return (request, env) => app.fetch(request, env)
  throw new ServeConfigError(
    'serve() takes an application with a fetch method (such as Hono), or a function from Request to Response.',
  )
}

function checkOptions(participants: readonly Participant[], basePath: string): void {
  if (basePath !== '' && !/^(?:\/[^/]+)+$/.test(basePath)) {
    throw new ServeConfigError(`basePath must look like /v1 or /a/b, without a / at its end: ${basePath}`)
  }
  if (!Array.isArray(participants)) throw new ServeConfigError('with must be an array of participants.')
  participants.forEach((participant, index) => {
    if (typeof participant?.around === 'function' || typeof participant?.shutdown === 'function') return
    throw new ServeConfigError(
      `with[${index}] takes no part in invocations: it has neither around nor shutdown.`,
    )
  })
}

function isDevelopment(environment: string | undefined): boolean {
  return ['development', 'dev', 'local', 'test'].includes(environment?.toLowerCase() ?? '')
}

function recordOf(error: unknown, event: HttpV2Event, invocation: Invocation, status: number): LogRecord {
  const { method } = event.requestContext.http
  return {
    level: status === 501 || status === 503 ? 'WARN' : 'ERROR',
    time: new Date().toISOString(),
    message: `${method} ${event.rawPath} was answered with ${status}`,
    requestId: invocation.requestId,
    coldStart: invocation.coldStart,
    method,
    path: event.rawPath,
    status,
    error: describeError(error),
  }
}
