import { createEntry, type Session } from '../events/entry.ts'
import type { LambdaContext } from '../invocation.ts'
import { describeError, type LogLine, logLine, writeLog } from '../log.ts'
import type { Participant } from '../participant.ts'
import { type Connections, everybody } from './connections.ts'
import { readSocketEvent, type SocketEvent } from './event.ts'

type Work = (event: SocketEvent) => unknown

/** What an application does with the events of a WebSocket API. */
export interface SocketHandlers {
  /** A throw refuses the connection, with the error's `status` or 500. Nothing can be sent to the client yet. */
  readonly connect?: Work
  /** API Gateway tries to tell when a connection ends; it does not promise to. */
  readonly disconnect?: Work
  /** By the routes of the API. */
  readonly routes?: Readonly<Record<string, Work>>
  /** Gets the messages that no route takes. */
  readonly message?: Work
}

export interface SocketOptions {
  /** Take part in every event, the first outermost. */
  readonly with?: readonly Participant[]
  /** Learns of connections that open and close. */
  readonly connections?: Connections
  /** Gets a line for every event that failed. JSON on standard error when absent. */
  readonly log?: (record: SocketRecord) => void
}

/** One event of a WebSocket API that failed. */
export interface SocketRecord extends LogLine {
  readonly connectionId: string
  readonly route: string
  readonly status: number
}

export type SocketHandler = (
  event: unknown,
  context: LambdaContext,
) => Promise<{ readonly statusCode: number }>

/**
 * Makes a Lambda handler for the events of a WebSocket API. What it throws becomes a status that API Gateway shows to
 * the client for `$connect` only; answers to messages are sent by `connections`.
 *
 * The handler rejects with `NotSocketEventError` or `InvalidContextError`.
 *
 * @throws ServeConfigError at once, for options that cannot work.
 */
export function socket(handlers: SocketHandlers, options: SocketOptions = {}): SocketHandler {
  const { connections, log = writeLog } = options
  const entry = createEntry(options.with)

  async function work(event: ReturnType<typeof readSocketEvent>): Promise<number> {
    const { kind, connectionId, route } = event
    if (kind === 'CONNECT') {
      await handlers.connect?.(event)
      await connections?.join(connectionId, everybody)
    } else if (kind === 'DISCONNECT') {
      await connections?.registry.remove(null, connectionId)
      await handlers.disconnect?.(event)
    } else {
      const { routes = {}, message } = handlers
      const chosen = Object.hasOwn(routes, route) ? routes[route] : message
      if (!chosen) return 404
      await chosen(event)
    }
    return 200
  }

  function report({ arrival }: Session, event: SocketEvent, status: number, error?: unknown): void {
    if (status < 500 && status !== 404) return
    const { connectionId, route } = event
    log({
      ...logLine(status < 500 ? 'WARN' : 'ERROR', `${route} was answered with ${status}`, arrival),
      connectionId,
      route,
      status,
      ...(error !== undefined && { error: describeError(error) }),
    })
  }

  return (event, context) =>
    entry.open(context, async (session) => {
      const read = readSocketEvent(event)
      try {
        const statusCode = await entry.run(session, event, () => work(read))
        report(session, read, statusCode)
        return { statusCode }
      } catch (error) {
        const statusCode = statusOf(error)
        report(session, read, statusCode, error)
        return { statusCode }
      }
    })
}

function statusOf(error: unknown): number {
  const { status, retryable, code } = Object(error) as Record<string, unknown>
  if (Number.isInteger(status) && (status as number) >= 400 && (status as number) <= 599)
    return status as number
  if (code === 'BODY_INVALID') return 400
  return retryable === true ? 503 : 500
}
