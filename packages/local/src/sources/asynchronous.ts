import { randomUUID } from 'node:crypto'
import { type Clock, slept } from '../clock.ts'
import { type Outcome, readFailure } from '../environment/outcome.ts'
import { type WholeOutcome, whole } from '../environment/whole.ts'
import { LocalError } from '../errors.ts'
import { makeTraceId } from '../ids.ts'
import type { Log } from '../log.ts'

export interface AsynchronousOptions {
  /** `requestId` stays the same for every try of one event. */
  invoke(functionName: string, event: string, traceId: string, requestId: string): Promise<Outcome>
  readonly clock: Clock
  readonly log: Log
  /** How long to wait before each further try of a function that failed, in ms; 1 and 2 minutes when absent. */
  readonly retryDelaysMs?: readonly number[]
}

export interface Asynchronous {
  /**
   * Takes an event (JSON) and gives its request id at once. Throws `LocalError` `EVENT_TOO_LARGE` for more than 1 MB.
   */
  submit(functionName: string, event: string): string
  /** Events that are not done with. */
  readonly waiting: number
  /** Forgets every event that is not done with. */
  close(): void
}

/** Bytes of an event. */
export const asynchronousLimitBytes = 1024 * 1024

const maxAgeMs = 6 * 3_600_000

/** A throttled event is tried again after so long, then twice as long, up to the longest. */
const firstThrottleMs = 1_000
const longestThrottleMs = 5 * 60_000

/**
 * Lambda's asynchronous invocation: a function that fails is invoked twice more with the same event, one that is
 * throttled until the event is six hours old. What is given up is told in the log.
 *
 * Source: "How Lambda handles errors and retries with asynchronous invocation" of the Lambda developer guide.
 */
export function createAsynchronous(options: AsynchronousOptions): Asynchronous {
  const { clock, log, retryDelaysMs = [60_000, 120_000] } = options
  const closing = new AbortController()
  let waiting = 0

  async function work(functionName: string, event: string, requestId: string): Promise<void> {
    const submittedAt = clock.now()
    const traceId = makeTraceId(submittedAt)
    const giveUp = (why: string) =>
      log(`${functionName}: gave up the event of asynchronous invocation ${requestId}: ${why}`, 'simulator')
    let failures = 0
    let throttleMs = firstThrottleMs
    for (;;) {
      const outcome = await attempt(async () =>
        whole(await options.invoke(functionName, event, traceId, requestId)),
      )
      if (outcome !== null && outcome.functionError === null) return
      let delay = throttleMs
      if (outcome === null) throttleMs = Math.min(throttleMs * 2, longestThrottleMs)
      else {
        const { errorType, errorMessage } = readFailure(String(outcome.payload))
        const next = retryDelaysMs[failures++]
        if (next === undefined)
          return giveUp(`it failed ${failures} times, at last with ${errorType}: ${errorMessage}`)
        delay = next
      }
      if (clock.now() + delay - submittedAt > maxAgeMs) return giveUp('it is six hours old')
      if (!(await slept(clock, delay, closing.signal))) return
    }
  }

  return {
    submit(functionName, event) {
      const bytes = Buffer.byteLength(event)
      if (bytes > asynchronousLimitBytes) {
        const message = `the event has ${bytes} bytes, and Lambda takes no more than ${asynchronousLimitBytes} asynchronously`
        throw new LocalError('EVENT_TOO_LARGE', message)
      }
      const requestId = randomUUID()
      waiting++
      work(functionName, event, requestId)
        .catch((error: unknown) => {
          if (error instanceof LocalError && error.code === 'CLOSED') return
          const reason = error instanceof Error ? error.message : String(error)
          log(
            `${functionName}: gave up the event of asynchronous invocation ${requestId}: ${reason}`,
            'simulator',
          )
        })
        .finally(() => waiting--)
      return requestId
    },
    get waiting() {
      return waiting
    },
    close: () => closing.abort(),
  }
}

/** Null when it was throttled. */
async function attempt(invoke: () => Promise<WholeOutcome>): Promise<WholeOutcome | null> {
  try {
    return await invoke()
  } catch (error) {
    if (error instanceof LocalError && error.code === 'TOO_MANY_REQUESTS') return null
    throw error
  }
}
