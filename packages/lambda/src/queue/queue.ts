import { InvalidBodyError, ServeConfigError } from '../errors.ts'
import { createEntry, type Session } from '../events/entry.ts'
import { type Schema, validate } from '../events/schema.ts'
import type { LambdaContext } from '../invocation.ts'
import { describeError, logLine, type MessageRecord, writeLog } from '../log.ts'
import type { Participant } from '../participant.ts'
import { workOff } from './lanes.ts'
import { type Message, readMessage, readRecords, type SqsRecord } from './message.ts'

export interface QueueOptions<Body> {
  /** Take part in the work on every message, the first outermost. */
  readonly with?: readonly Participant[]
  /** What a body must be, after JSON has been read. Without one any JSON is handed on, unchecked. */
  readonly schema?: Schema<Body>
  /** `text` leaves bodies as they are: strings. `json` when absent. */
  readonly format?: 'json' | 'text'
  /** How many messages are worked on at once, in a FIFO queue how many message groups. 1 when absent. */
  readonly concurrency?: number
  /**
   * Gets messages whose body is not valid, inside the participants. When it returns, the message is done with; without
   * it, or when it throws, the message fails as any other.
   */
  readonly onInvalid?: (message: Message<string>, error: InvalidBodyError) => unknown
  /** Gets the records. One line of JSON on standard error when absent. */
  readonly log?: (record: MessageRecord) => void
}

/** What Lambda takes as the answer of a queue's function: the messages to be delivered again. */
export interface BatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[]
}

export type QueueHandler = (event: unknown, context: LambdaContext) => Promise<BatchResponse>

/**
 * Makes a Lambda handler of a function that works on one SQS message. Each message succeeds or fails by itself, inside
 * participants of its own: it is done when `handle` and the participants are. The event source must report batch item
 * failures (`FunctionResponseTypes: ['ReportBatchItemFailures']`): otherwise Lambda takes every answer for success.
 *
 * In a FIFO queue a failure stops its message group: the messages behind it are delivered again too, in order. Shortly
 * before the time limit, what is not done fails and nothing more is begun.
 *
 * The handler rejects with `NotQueueEventError` or `InvalidContextError`; the batch is then delivered again whole.
 *
 * @throws ServeConfigError at once, for options that cannot work.
 */
export function queue<Body = unknown>(
  handle: (message: Message<Body>) => unknown,
  options: QueueOptions<Body> = {},
): QueueHandler {
  const { schema, format = 'json', concurrency = 1, onInvalid, log = writeLog } = options
  if (!(Number.isInteger(concurrency) && concurrency >= 1)) {
    throw new ServeConfigError(`queue: concurrency must be a whole number from 1 on, not ${concurrency}.`)
  }
  const entry = createEntry(options.with)

  async function readBody({ messageId, body }: SqsRecord): Promise<Body> {
    const what = `The body of message ${messageId}`
    const value = format === 'json' ? parse(body, what) : body
    return schema ? validate(schema, value, what) : (value as Body)
  }

  async function work(record: SqsRecord): Promise<void> {
    const message = readMessage(record)
    let body: Body
    try {
      body = await readBody(record)
    } catch (error) {
      if (!onInvalid || !(error instanceof InvalidBodyError)) throw error
      await onInvalid({ ...message, body: record.body }, error)
      return
    }
    await handle({ ...message, body })
  }

  function reportFailed(session: Session, record: SqsRecord, error: unknown): void {
    const { messageId, eventSourceARN: queue, attributes } = record
    const { retryable } = Object(error) as { retryable?: unknown }
    log({
      ...logLine(retryable === true ? 'WARN' : 'ERROR', `Message ${messageId} failed`, session.arrival),
      queue,
      messageId,
      receiveCount: Number(attributes?.ApproximateReceiveCount ?? 1),
      error: describeError(error),
    })
  }

  function reportLeft(session: Session, records: readonly SqsRecord[], begun: ReadonlySet<SqsRecord>): void {
    const left = records.filter((record) => !begun.has(record))
    if (left.length === 0) return
    const reason = session.deadline.isOver ? 'the time was up' : 'one before them in their group failed'
    log({
      ...logLine('WARN', `${left.length} messages were not begun: ${reason}`, session.arrival),
      queue: left[0]!.eventSourceARN,
    })
  }

  return (event, context) =>
    entry.open(context, async (session) => {
      const records = readRecords(event)
      const begun = new Set<SqsRecord>()
      const failed = await workOff(records, concurrency, async (record) => {
        if (session.deadline.isOver) return false
        begun.add(record)
        try {
          await entry.run(session, record, () => work(record))
          return true
        } catch (error) {
          reportFailed(session, record, error)
          return false
        }
      })
      reportLeft(session, failed, begun)
      return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) }
    })
}

function parse(body: string, what: string): unknown {
  try {
    return JSON.parse(body)
  } catch (error) {
    throw new InvalidBodyError(what, 'is no JSON.', error)
  }
}
