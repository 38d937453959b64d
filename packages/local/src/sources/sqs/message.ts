import { createHash } from 'node:crypto'

/** One attribute of a message, as the JSON protocol has it. Binary values are base64. */
export interface MessageAttribute {
  readonly DataType: string
  readonly StringValue?: string
  readonly BinaryValue?: string
}

export type MessageAttributes = Readonly<Record<string, MessageAttribute>>

/** What a sender gives. */
export interface Draft {
  readonly body: string
  readonly attributes: MessageAttributes
  /** `AWSTraceHeader`, if there is one. */
  readonly traceHeader: string | null
  /** Null: the queue's own. */
  readonly delayMs: number | null
  readonly groupId: string | null
  readonly deduplicationId: string | null
}

/** A message in a queue. */
export interface Message extends Draft {
  readonly id: string
  readonly sentAtMs: number
  /** Of a FIFO queue; null in others. */
  readonly sequenceNumber: string | null
  /** Bytes that it will take in a Lambda event, never fewer. */
  readonly eventBytes: number
  receiveCount: number
  firstReceivedAtMs: number | null
  /** Hidden until then: delayed, or received. */
  visibleAtMs: number
  /** Of the last receive. */
  receiptHandle: string | null
  /** ARN of the queue that it was moved from, for a dead letter. */
  source: string | null
}

/** A message as it was received: later receives do not change it. */
export type Received = Readonly<Message> & { readonly receiptHandle: string }

/** What surrounds a message in an event: ids, a receipt handle, system attributes. */
const envelopeBytes = 2048

export function eventBytesOf(draft: Draft): number {
  const text = Buffer.byteLength(JSON.stringify(draft.body))
  return text + Buffer.byteLength(JSON.stringify(draft.attributes)) + envelopeBytes
}

/** What SQS counts against its limit: the body, and name, type and value of every attribute. */
export function sizeOf(body: string, attributes: MessageAttributes): number {
  const sizes = Object.entries(attributes).map(([name, { DataType, StringValue, BinaryValue }]) => {
    const value =
      BinaryValue === undefined ? Buffer.byteLength(StringValue ?? '') : bytesOf(BinaryValue).length
    return Buffer.byteLength(name) + Buffer.byteLength(DataType) + value
  })
  return sizes.reduce((sum, size) => sum + size, Buffer.byteLength(body))
}

export function md5(body: string): string {
  return createHash('md5').update(body).digest('hex')
}

/**
 * The digest of attributes that clients check; null without any.
 *
 * Source: "Calculating the MD5 message digest for message attributes" of the SQS developer guide.
 */
export function md5OfAttributes(attributes: MessageAttributes): string | null {
  const names = Object.keys(attributes).toSorted()
  if (names.length === 0) return null
  const hash = createHash('md5')
  const add = (bytes: Buffer) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    hash.update(length).update(bytes)
  }
  for (const name of names) {
    const { DataType, StringValue, BinaryValue } = attributes[name] as MessageAttribute
    add(Buffer.from(name))
    add(Buffer.from(DataType))
    const binary = DataType.startsWith('Binary')
    hash.update(Uint8Array.of(binary ? 2 : 1))
    add(binary ? bytesOf(BinaryValue ?? '') : Buffer.from(StringValue ?? ''))
  }
  return hash.digest('hex')
}

function bytesOf(base64: string): Buffer {
  return Buffer.from(base64, 'base64')
}

/** What SQS tells of a message besides what was sent, by name. */
export function systemAttributes(message: Received): Record<string, string> {
  const optional = {
    MessageGroupId: message.groupId,
    MessageDeduplicationId: message.deduplicationId,
    SequenceNumber: message.sequenceNumber,
    AWSTraceHeader: message.traceHeader,
    DeadLetterQueueSourceArn: message.source,
  }
  return {
    ApproximateReceiveCount: String(message.receiveCount),
    SentTimestamp: String(message.sentAtMs),
    SenderId: senderId,
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAtMs),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== null)),
  } as Record<string, string>
}

/** A session of a role, as functions have one. */
const senderId = 'AROAEXAMPLEEXAMPLEEXA:thaw'
