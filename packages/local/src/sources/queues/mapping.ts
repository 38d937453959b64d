import type { QueueDefinition, QueueFunction } from '@thaw/app'
import { type Clock, slept } from '../../clock.ts'
import type { Outcome } from '../../environment/outcome.ts'
import { readFailure } from '../../environment/outcome.ts'
import { type WholeOutcome, whole } from '../../environment/whole.ts'
import { LocalError } from '../../errors.ts'
import { makeTraceId } from '../../ids.ts'
import { payloadLimitBytes } from '../../limits.ts'
import type { Log } from '../../log.ts'
import type { Received } from '../sqs/message.ts'
import type { Queue } from '../sqs/queue.ts'
import { readBatchAnswer } from './answer.ts'
import { buildQueueEvent } from './event.ts'

export interface MappingSettings extends Pick<QueueFunction, 'concurrency'> {
  readonly queue: Pick<QueueDefinition, 'batchSize' | 'batchWindowSeconds'>
}

export interface MappingOptions {
  readonly functionName: string
  readonly queue: Queue
  /** Asked for every batch, because the application may change meanwhile. */
  settings(): MappingSettings
  readonly region: string
  invoke(functionName: string, event: string, traceId: string): Promise<Outcome>
  readonly clock: Clock
  readonly log: Log
}

/** How many batches are worked on at once to begin with, and at most. */
const firstPollers = 5
const mostPollers = 1_000

/** A function of limited concurrency has a mapping of as much, but Lambda takes no limit under this. */
const leastLimit = 2

/** While all are at work there is another one as often as this: Lambda adds 300 a minute. */
const growMs = 200

/** One receive waits so long for a message. */
const longPollMs = 20_000

/** One receive brings no more. */
const mostReceived = 10

const firstThrottleMs = 200
const longestThrottleMs = 5_000

/**
 * The event source mapping of a queue: receives messages, hands them to the function in batches, and deletes those
 * that it has worked on. Others show again when their visibility timeout is over.
 *
 * It begins with five pollers and adds more while all are at work, save while the function is throttled. A batch of a
 * throttled function is offered again until its messages show again; that is no failure of the function, but counts as
 * a receive, on Lambda too.
 */
export function startMapping(options: MappingOptions): { close(): void } {
  const { functionName, queue, clock, log } = options
  const closing = new AbortController()
  const { signal } = closing
  let pollers = 0
  let busy = 0
  let throttled = 0
  let grownAt = clock.now()

  async function poll(surplus: boolean): Promise<void> {
    pollers++
    try {
      while (!signal.aborted) {
        const batch = await collect(surplus ? 0 : longPollMs)
        if (batch.length > 0) await work(batch)
        else if (surplus) return
      }
    } catch (error) {
      const closed = error instanceof LocalError && error.code === 'CLOSED'
      if (!closed) throw error
    } finally {
      pollers--
    }
  }

  function start(surplus: boolean): void {
    poll(surplus).catch((error: unknown) => {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
      log(`${functionName}: a poller of the queue ended: ${reason}`, 'simulator')
    })
  }

  async function collect(waitMs: number): Promise<Received[]> {
    const { batchSize, batchWindowSeconds } = options.settings().queue
    const room = () => payloadLimitBytes - batch.reduce((sum, { eventBytes }) => sum + eventBytes, 0)
    const batch: Received[] = []
    const receive = async (ms: number) => {
      const most = Math.min(mostReceived, batchSize - batch.length)
      const eventBytes = room()
      // What would not fit is left where it is, so it is not received in vain.
      const found = await queue.receive({ most, waitMs: ms, eventBytes, whole: batch.length > 0, signal })
      batch.push(...found)
      return found.length
    }
    if ((await receive(waitMs)) === 0) return batch
    const until = clock.now() + batchWindowSeconds * 1000
    while (batch.length < batchSize && batchWindowSeconds > 0 && !signal.aborted) {
      const left = until - clock.now()
      if (left <= 0 || (await receive(left)) === 0) break
    }
    return batch
  }

  async function work(batch: readonly Received[]): Promise<void> {
    busy++
    try {
      grow()
      const outcome = await deliver(batch)
      if (outcome !== null) settle(batch, outcome)
    } finally {
      busy--
    }
  }

  function limit(): number {
    const { concurrency = mostPollers } = options.settings()
    return concurrency < leastLimit ? mostPollers : Math.min(concurrency, mostPollers)
  }

  function grow(): void {
    const now = clock.now()
    if (busy < pollers || pollers >= limit() || throttled > 0 || now - grownAt < growMs) return
    grownAt = now
    start(true)
  }

  /** Null when the function could not be invoked before the messages show again. */
  async function deliver(batch: readonly Received[]): Promise<WholeOutcome | null> {
    const event = JSON.stringify(buildQueueEvent(batch, { arn: queue.arn, region: options.region }))
    const until = Math.min(...batch.map(({ visibleAtMs }) => visibleAtMs))
    let waited = false
    try {
      for (let ms = firstThrottleMs; ; ms = Math.min(ms * 2, longestThrottleMs)) {
        try {
          return await whole(await options.invoke(functionName, event, makeTraceId(clock.now())))
        } catch (error) {
          if (!(error instanceof LocalError) || error.code === 'CLOSED') throw error
          if (error.code !== 'TOO_MANY_REQUESTS') {
            log(`${functionName}: ${count(batch)} stay in the queue: ${error.message}`, 'simulator')
            return null
          }
          if (!waited) throttled++
          waited = true
          if (clock.now() + ms >= until) {
            log(`${functionName}: ${count(batch)} show again, as it was throttled all the time`, 'simulator')
            return null
          }
          if (!(await slept(clock, ms, signal))) return null
        }
      }
    } finally {
      if (waited) throttled--
    }
  }

  function settle(batch: readonly Received[], outcome: WholeOutcome): void {
    const failed = failedOf(batch, outcome)
    for (const { id, receiptHandle } of batch) {
      if (!failed.has(id)) remove(receiptHandle)
    }
  }

  function failedOf(batch: readonly Received[], outcome: WholeOutcome): ReadonlySet<string> {
    const ids = batch.map(({ id }) => id)
    const result =
      outcome.functionError === null
        ? readBatchAnswer(String(outcome.payload), ids)
        : { malformed: readFailure(String(outcome.payload)).errorMessage }
    if ('malformed' in result) {
      log(`${functionName}: ${count(batch)} failed: ${result.malformed}`, 'simulator')
      return new Set(ids)
    }
    if (result.failed.size > 0) {
      log(`${functionName}: ${result.failed.size} of ${count(batch)} failed`, 'simulator')
    }
    return result.failed
  }

  /** A message of a FIFO queue that has shown again meanwhile comes again, whatever became of it. */
  function remove(receiptHandle: string): void {
    try {
      queue.delete(receiptHandle)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      log(`${functionName}: a message was done too late and comes again: ${reason}`, 'simulator')
    }
  }

  for (let poller = 0; poller < Math.min(firstPollers, limit()); poller++) start(false)
  return { close: () => closing.abort() }
}

function count(batch: readonly unknown[]): string {
  return batch.length === 1 ? '1 message' : `${batch.length} messages`
}
