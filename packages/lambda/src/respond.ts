import type { Application } from './apps/application.ts'
import type { Deadline } from './deadline.ts'
import { StreamClosedError } from './errors.ts'
import type { Exchange, FrontAnswer } from './fronts/exchange.ts'
import { bookmarkHeader, readBookmarks, withBookmark, writeBookmarks } from './http/bookmarks.ts'
import type { RequestParts } from './http/request.ts'
import {
  allowsBody,
  fixedBody,
  type ResponseBody,
  type ResponseParts,
  readAnswer,
  readHead,
} from './http/response.ts'
import type { HttpInvocation } from './invocation.ts'
import { describeError, type LogRecord, logLine } from './log.ts'
import type { Settings } from './options.ts'
import { type Bookmarks, nest } from './participant.ts'
import { problemResponse } from './problem.ts'

/** One event on its way from a front to the application and back. */
export interface Turn {
  readonly exchange: Exchange
  readonly invocation: HttpInvocation
  readonly deadline: Deadline
  /** By `process.uptime()`: `performance` would be loaded for this alone. */
  readonly startedAt: number
}

/** How an answer gets to its front. */
interface Writer<P, R> {
  /** Reads what the application answered. May be called again, and then counts alone. */
  prepare(response: ResponseParts): Promise<P>
  /** @param bookmark for the client to bring back; null for none. */
  seal(prepared: P, bookmark: string | null): R
}

/** What became of a turn, for the log. */
interface Outcome {
  /** What the client was answered. */
  status: number
  /** Why that was an error; absent when nothing was thrown. */
  failure?: { readonly error: unknown }
}

/** Sends what `writeHead` of the exchange has made of a head, and then the body as fast as it is taken. */
export type Send = (head: object, body: ResponseBody, signal: AbortSignal) => Promise<void>

export interface Responder {
  answer(turn: Turn): Promise<FrontAnswer>
  /** For fronts that have a `writeHead`. Rejects with what breaks the body off. */
  stream(turn: Turn, send: Send): Promise<void>
}

export function createResponder(application: Application, settings: Settings): Responder {
  const { participants, basePath, cors, exposeErrors } = settings

  /**
   * Lets the application answer, inside the participants, and has the answer prepared there; what is thrown, by
   * `prepare` too, becomes a problem that is prepared instead. `seal` ends it when the participants are done.
   */
  async function respond<P, R>(
    { exchange, invocation, deadline }: Turn,
    outcome: Outcome,
    { prepare, seal }: Writer<P, R>,
  ): Promise<R> {
    let request: RequestParts | null = null
    let bookmarks = (): Bookmarks => []
    let body: ResponseBody | null = null
    const send = (response: ResponseParts) => {
      // Of an answer before this one, which nobody gets, or not in time.
      body?.cancel()
      body = response.body
      outcome.status = response.status
      return prepare(request && cors ? cors.allow(request, response) : response)
    }
    const run = async (read: RequestParts) => {
      deadline.check()
      const response = await application(read, invocation)
      // Too late: the client has its answer.
      if (deadline.isOver) response.body.cancel()
      deadline.check()
      const prepared = await send(response)
      // Its body ended early then, and the participants are not to take it for one that was sent.
      deadline.check()
      return prepared
    }
    const fail = async (error: unknown) => {
      outcome.failure = { error }
      return seal(await send(problemResponse(error, invocation.requestId, exposeErrors)), null)
    }
    try {
      const read = exchange.readRequest(basePath)
      request = read
      const preflight = cors?.preflight(read)
      if (preflight) {
        outcome.status = preflight.status
        return seal(await prepare(preflight), null)
      }
      const brought = readBookmarks(read.headers.get(bookmarkHeader))
      // A participant may run this again, so that each run makes a request of its own.
      const nested = nest(participants, invocation, () => run(read), brought)
      bookmarks = nested.bookmarks
      const prepared = await deadline.race(nested.result)
      if (!(prepared instanceof Object))
        throw new TypeError('around() must return what next() resolves with.')
      return seal(prepared, writeBookmarks(bookmarks()))
    } catch (error) {
      // A response that the error itself brought may be one that cannot be sent.
      return await fail(error).catch((second) =>
        fail(new AggregateError([error, second], describeError(error).message)),
      )
    }
  }

  async function answer(turn: Turn): Promise<FrontAnswer> {
    const { exchange } = turn
    const outcome: Outcome = { status: 0 }
    const result = await respond(turn, outcome, {
      async prepare(response) {
        const answer = await readAnswer(response, exchange.method)
        return { answer, written: exchange.writeAnswer(answer) }
      },
      seal: ({ answer, written }, bookmark) =>
        bookmark === null
          ? written
          : exchange.writeAnswer({ ...answer, headers: withBookmark(answer.headers, bookmark) }),
    })
    report(turn, outcome)
    return result
  }

  async function stream(turn: Turn, sendAnswer: Send): Promise<void> {
    const { method, writeHead } = turn.exchange
    if (!writeHead) throw new TypeError('This front takes whole answers only.')
    const outcome: Outcome = { status: 0 }
    const { head, body } = await respond(turn, outcome, {
      async prepare(response) {
        const head = streamedHead(response, method)
        if (allowsBody(response.status, method)) return { head, body: response.body }
        response.body.cancel()
        return { head, body: fixedBody(new Uint8Array()) }
      },
      seal: ({ head, body }, bookmark) => ({
        head: writeHead(
          bookmark === null ? head : { ...head, headers: withBookmark(head.headers, bookmark) },
        ),
        body,
      }),
    })
    try {
      await sendAnswer(head, body, turn.deadline.signal)
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
      ...logLine(
        isError ? levelOf(status, failure.error) : 'INFO',
        `${method} ${path} was answered with ${status}${end}`,
        invocation,
      ),
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
