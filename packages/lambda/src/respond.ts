import type { Application } from './apps/application.ts'
import { StreamClosedError } from './errors.ts'
import type { Exchange, FrontAnswer } from './fronts/exchange.ts'
import type { RequestParts } from './http/request.ts'
import {
  allowsBody,
  fixedBody,
  type ResponseBody,
  type ResponseParts,
  readAnswer,
  readHead,
} from './http/response.ts'
import type { Invocation } from './invocation.ts'
import { describeError, type LogRecord } from './log.ts'
import type { Settings } from './options.ts'
import { nest } from './participant.ts'
import { problemResponse } from './problem.ts'
import { type ResponseStream, writeStreamed, writeWhole } from './stream.ts'

/** One event on its way from a front to the application and back. */
export interface Turn {
  readonly exchange: Exchange
  readonly invocation: Invocation
  /** By `process.uptime()`: `performance` would be loaded for this alone. */
  readonly startedAt: number
}

/** What became of a turn, for the log. */
interface Outcome {
  /** What the client was answered. */
  status: number
  /** Why that was an error; absent when nothing was thrown. */
  failure?: { readonly error: unknown }
}

export interface Responder {
  answer(turn: Turn): Promise<FrontAnswer>
  stream(turn: Turn, stream: ResponseStream): Promise<void>
}

export function createResponder(application: Application, settings: Settings): Responder {
  const { participants, basePath, cors, exposeErrors } = settings

  /**
   * Lets the application answer, inside the participants, and hands the answer to `finish`; what is thrown, by
   * `finish` too, becomes a problem that is handed to it. `finish` may be called again and then counts alone.
   */
  async function respond<T>(
    { exchange, invocation }: Turn,
    outcome: Outcome,
    finish: (response: ResponseParts) => Promise<T>,
  ): Promise<T> {
    let request: RequestParts | null = null
    const send = (response: ResponseParts) => {
      outcome.status = response.status
      return finish(request && cors ? cors.allow(request, response) : response)
    }
    const fail = (error: unknown) => {
      outcome.failure = { error }
      return send(problemResponse(error, invocation.requestId, exposeErrors))
    }
    try {
      const read = exchange.readRequest(basePath)
      request = read
      const preflight = cors?.preflight(read)
      if (preflight) {
        outcome.status = preflight.status
        return await finish(preflight)
      }
      // A participant may run this again, so that each run makes a request of its own.
      return await nest(participants, invocation, async () => send(await application(read, invocation)))
    } catch (error) {
      // A response that the error itself brought may be one that cannot be sent.
      return await fail(error).catch((second) => fail(new AggregateError([error, second], String(error))))
    }
  }

  async function answer(turn: Turn): Promise<FrontAnswer> {
    const { exchange } = turn
    const outcome: Outcome = { status: 0 }
    const result = await respond(turn, outcome, async (response) =>
      exchange.writeAnswer(await readAnswer(response, exchange.method)),
    )
    report(turn, outcome)
    return result
  }

  async function stream(turn: Turn, stream: ResponseStream): Promise<void> {
    const { method, writeHead } = turn.exchange
    if (!writeHead) return writeWhole(stream, await answer(turn))
    const outcome: Outcome = { status: 0 }
    let unread: ResponseBody | null = null
    const { head, body } = await respond(turn, outcome, async (response) => {
      await unread?.cancel()
      const head = writeHead(streamedHead(response, method))
      unread = response.body
      if (allowsBody(response.status, method)) return { head, body: response.body }
      await unread.cancel()
      return { head, body: fixedBody(new Uint8Array()) }
    })
    try {
      await writeStreamed(stream, head, body)
    } catch (error) {
      outcome.failure = { error }
      report(turn, outcome, ', which broke off')
      throw error
    }
    report(turn, outcome)
  }

  function report({ exchange, invocation, startedAt }: Turn, { status, failure }: Outcome, end = ''): void {
    const { method, path } = exchange
    const isError = failure !== undefined && (status >= 500 || end !== '')
    if (!isError && !settings.logRequests) return
    const record: LogRecord = {
      level: isError ? levelOf(status, failure.error) : 'INFO',
      time: new Date().toISOString(),
      message: `${method} ${path} was answered with ${status}${end}`,
      requestId: invocation.requestId,
      coldStart: invocation.coldStart,
      method,
      path,
      status,
      durationMs: Math.round((process.uptime() - startedAt) * 10_000) / 10,
      ...(failure && { error: describeError(failure.error) }),
    }
    settings.log(record)
  }

  return { answer, stream }
}

// What is not implemented here, what only has to be asked again, and a client that went away wake nobody.
function levelOf(status: number, error: unknown): 'WARN' | 'ERROR' {
  return status === 501 || status === 503 || error instanceof StreamClosedError ? 'WARN' : 'ERROR'
}

/** The head without the length: the stream has a framing of its own, and nobody can put a wrong length right. */
function streamedHead(response: ResponseParts, method: string) {
  const head = readHead(response)
  if (method !== 'HEAD') delete head.headers['content-length']
  return head
}
