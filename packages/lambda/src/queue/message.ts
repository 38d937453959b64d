import { NotQueueEventError } from '../errors.ts'
import { describe, isObject } from '../fronts/fields.ts'

/**
 * One message as Lambda delivers it. Source:
 * https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
 */
export interface SqsRecord {
  readonly messageId: string
  readonly receiptHandle?: string
  readonly body: string
  readonly attributes?: Readonly<Record<string, string | undefined>>
  readonly messageAttributes?: Readonly<Record<string, SqsAttribute | undefined>>
  readonly eventSource: string
  readonly eventSourceARN: string
}

export interface SqsAttribute {
  /** `String`, `Number` or `Binary`, perhaps with a label: `Number.int`. */
  readonly dataType: string
  readonly stringValue?: string
  /** Base64. */
  readonly binaryValue?: string
}

/** One message as a handler gets it. */
export interface Message<Body> {
  readonly id: string
  /** The same for every delivery of this message, and no other's: for `atomic(fn, { key })`. */
  readonly key: string
  readonly body: Body
  /** Numbers as the text that was sent. */
  readonly attributes: Readonly<Record<string, string | Uint8Array>>
  /** How often the message has been received, this time included. */
  readonly receiveCount: number
  /** In ms since the epoch; null where the event does not say. */
  readonly sentAt: number | null
  /** Messages of one group come in order, in a FIFO queue; null without one. */
  readonly groupId: string | null
  /** ARN of the queue. */
  readonly queue: string
  readonly record: SqsRecord
}

/** The messages of an event. Throws `NotQueueEventError`. */
export function readRecords(event: unknown): readonly SqsRecord[] {
  const records = isObject(event) ? event.Records : undefined
  if (!Array.isArray(records) || records.length === 0) throw new NotQueueEventError(describe(event))
  for (const record of records) {
    if (!isSqsRecord(record)) throw new NotQueueEventError(`records of which one is ${describe(record)}`)
  }
  return records
}

function isSqsRecord(record: unknown): record is SqsRecord {
  return (
    isObject(record) &&
    record.eventSource === 'aws:sqs' &&
    [record.messageId, record.body, record.eventSourceARN].every((field) => typeof field === 'string')
  )
}

/** Everything but the body, which may be no good. */
export function readMessage(record: SqsRecord): Omit<Message<never>, 'body'> {
  const { messageId: id, eventSourceARN: queue, attributes = {} } = record
  return {
    id,
    key: `sqs:${queue}:${id}`,
    attributes: readAttributes(record.messageAttributes ?? {}),
    receiveCount: Number(attributes.ApproximateReceiveCount ?? 1),
    sentAt: attributes.SentTimestamp === undefined ? null : Number(attributes.SentTimestamp),
    groupId: attributes.MessageGroupId ?? null,
    queue,
    record,
  }
}

function readAttributes(attributes: NonNullable<SqsRecord['messageAttributes']>) {
  const values: Record<string, string | Uint8Array> = {}
  for (const [name, attribute] of Object.entries(attributes)) {
    if (attribute?.stringValue !== undefined) values[name] = attribute.stringValue
    else if (attribute?.binaryValue !== undefined) values[name] = Buffer.from(attribute.binaryValue, 'base64')
  }
  return values
}
