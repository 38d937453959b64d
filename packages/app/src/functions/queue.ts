import type { Report } from '../checks.ts'
import type { QueueFunction } from '../model.ts'
import { parseSeconds, show } from '../units.ts'
import { type BaseReader, readFlag, readOptional } from './base.ts'

const defaults = { batchSize: 10, tries: 3 }

/** A batch of a queue without order may be this large, one of a FIFO queue or without a window only 10. */
const mostMessages = 10_000
const mostMessagesAtOnce = 10
const longestWindowSeconds = 300

/** What AWS advises: a message that is being worked on, or waits for a throttled function, stays hidden. */
const timeoutsHidden = 6

/**
 * Sources: "Using Lambda with Amazon SQS" (batching, visibility timeout) and "Quotas related to messages" of the SQS
 * developer guide.
 */
export function readQueue(
  report: Report,
  at: string,
  _source: Readonly<Record<string, unknown>>,
  readBase: BaseReader,
): QueueFunction {
  const { options, ...base } = readBase({ options: ['fifo', 'batchSize', 'batchWindow', 'tries'] })
  const fifo = readFlag(report, `${at}.fifo`, options.fifo)
  const batchWindowSeconds = readWindow(report, `${at}.batchWindow`, options.batchWindow, fifo)
  const batchSize =
    readOptional(report, `${at}.batchSize`, options.batchSize, {
      min: 1,
      max: fifo ? mostMessagesAtOnce : mostMessages,
      unit: 'messages',
    }) ?? defaults.batchSize
  if (batchSize > mostMessagesAtOnce && batchWindowSeconds === 0) {
    report.add(`${at}.batchSize`, `more than 10 need a batchWindow of a second or more`)
  }
  const tries =
    readOptional(report, `${at}.tries`, options.tries, { min: 1, max: 1_000, unit: 'deliveries' }) ??
    defaults.tries
  const visibilitySeconds = base.timeoutSeconds * timeoutsHidden + batchWindowSeconds
  return { kind: 'queue', ...base, queue: { fifo, batchSize, batchWindowSeconds, tries, visibilitySeconds } }
}

function readWindow(report: Report, at: string, value: unknown, fifo: boolean): number {
  if (value === undefined) return 0
  const parsed = parseSeconds(value)
  if ('problem' in parsed) report.add(at, parsed.problem)
  else if (parsed.value < 0 || parsed.value > longestWindowSeconds) {
    report.add(at, `${show(value)} is not possible; give 0 to 300 seconds`)
  } else if (fifo && parsed.value > 0) report.add(at, 'is not for FIFO queues, whose messages do not wait')
  else return parsed.value
  return 0
}
