import { invalidValue, missing, SqsError } from './errors.ts'
import { type Draft, type MessageAttribute, type MessageAttributes, sizeOf } from './message.ts'

/** What a request says: JSON, or the query protocol made to look like it. */
export type Parameters = Readonly<Record<string, unknown>>

/** Bytes of one message, and of all messages of a batch. */
export const messageLimitBytes = 1024 * 1024

export function text(from: Parameters, name: string): string {
  const value = from[name]
  if (typeof value === 'string' && value !== '') return value
  if (value === undefined || value === null || value === '') throw missing(name)
  throw invalidValue(name, value, 'Must be a string.')
}

export function optionalText(from: Parameters, name: string): string | null {
  return from[name] === undefined || from[name] === null ? null : text(from, name)
}

/** A whole number within bounds, or what is to be taken when it is absent. The query protocol sends text. */
export function integer<T>(
  from: Parameters,
  name: string,
  [least, most]: readonly [number, number],
  absent: T,
): number | T {
  const value = from[name]
  if (value === undefined || value === null) return absent
  const number = typeof value === 'string' && value !== '' ? Number(value) : value
  if (typeof number === 'number' && Number.isInteger(number) && number >= least && number <= most)
    return number
  throw invalidValue(name, value, `Must be between ${least} and ${most}, if provided.`)
}

export function list(from: Parameters, name: string): readonly unknown[] {
  const value = from[name] ?? []
  if (Array.isArray(value)) return value
  throw invalidValue(name, value, 'Must be a list.')
}

/** Entries of a batch: 1 to 10, each with an `Id` of its own. */
export function entries(from: Parameters): readonly (Parameters & { readonly Id: string })[] {
  const found = list(from, 'Entries')
  if (found.length === 0)
    throw new SqsError('EmptyBatchRequest', 'There should be at least one entry in the request.')
  if (found.length > 10) {
    throw new SqsError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are 10. You have sent ${found.length}.`,
    )
  }
  const ids = new Set<string>()
  for (const entry of found) {
    const id = text(isObject(entry) ? entry : {}, 'Id')
    if (!/^[\w-]{1,80}$/.test(id)) {
      throw new SqsError(
        'InvalidBatchEntryId',
        'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
      )
    }
    if (ids.has(id)) throw new SqsError('BatchEntryIdsNotDistinct', `Id ${id} repeated.`)
    ids.add(id)
  }
  return found as (Parameters & { readonly Id: string })[]
}

/** Bytes of an entry that is to be sent, as they count for its batch. One that fails by itself counts nothing. */
export function sizeOfEntry(entry: Parameters): number {
  try {
    return sizeOf(text(entry, 'MessageBody'), readAttributes(entry.MessageAttributes))
  } catch (error) {
    if (error instanceof SqsError) return 0
    throw error
  }
}

/** What is to be sent. Throws `SqsError` for what SQS would not take into such a queue. */
export function readDraft(from: Parameters, fifo: boolean): Draft {
  const body = text(from, 'MessageBody')
  if (forbidden.test(body)) {
    throw new SqsError(
      'InvalidMessageContents',
      'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.',
    )
  }
  const attributes = readAttributes(from.MessageAttributes)
  if (sizeOf(body, attributes) > messageLimitBytes) {
    throw new SqsError(
      'InvalidParameterValue',
      `One or more parameters are invalid. Reason: Message must be shorter than ${messageLimitBytes} bytes.`,
    )
  }
  const system = readAttributes(from.MessageSystemAttributes)
  const delaySeconds = integer(from, 'DelaySeconds', [0, 900], null)
  if (fifo && delaySeconds !== null && delaySeconds !== 0) {
    throw invalidValue(
      'DelaySeconds',
      delaySeconds,
      'The request include parameter that is not valid for this queue type.',
    )
  }
  const groupId = readToken(from, 'MessageGroupId')
  const deduplicationId = readToken(from, 'MessageDeduplicationId')
  if (fifo && groupId === null) throw missing('MessageGroupId')
  if (!fifo && deduplicationId !== null) {
    throw invalidValue(
      'MessageDeduplicationId',
      deduplicationId,
      'The request include parameter that is not valid for this queue type.',
    )
  }
  // Queues are deployed without deduplication by content.
  if (fifo && deduplicationId === null) {
    throw new SqsError(
      'InvalidParameterValue',
      'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly.',
    )
  }
  return {
    body,
    attributes,
    traceHeader: system.AWSTraceHeader?.StringValue ?? null,
    delayMs: delaySeconds === null ? null : delaySeconds * 1000,
    groupId,
    deduplicationId,
  }
}

// What XML 1.0 cannot say, and halves of surrogate pairs.
const forbidden = /[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u

function readToken(from: Parameters, name: string): string | null {
  const value = optionalText(from, name)
  if (value === null || /^[\x21-\x7e]{1,128}$/.test(value)) return value
  throw invalidValue(
    name,
    value,
    `${name} can only include alphanumeric and punctuation characters. 1 to 128 in length.`,
  )
}

function readAttributes(value: unknown): MessageAttributes {
  if (value === undefined || value === null) return {}
  if (!isObject(value)) throw invalidValue('MessageAttributes', value, 'Must be a map.')
  const names = Object.keys(value)
  if (names.length > 10) {
    throw new SqsError(
      'InvalidParameterValue',
      `Number of message attributes [${names.length}] exceeds the allowed maximum [10].`,
    )
  }
  return Object.fromEntries(names.map((name) => [name, readAttribute(name, value[name])]))
}

function readAttribute(name: string, value: unknown): MessageAttribute {
  if (!/^(?!\.)(?!.*\.\.)(?!.*\.$)[\w.-]{1,256}$/.test(name)) {
    throw new SqsError('InvalidParameterValue', `The message attribute name '${name}' is not valid.`)
  }
  const { DataType, StringValue, BinaryValue } = isObject(value) ? value : {}
  if (typeof DataType !== 'string' || !/^(String|Number|Binary)(\..+)?$/.test(DataType)) {
    throw new SqsError(
      'InvalidParameterValue',
      `The type of message attribute '${name}' is invalid. You must use only the following supported type prefixes: Binary, Number, String.`,
    )
  }
  const binary = DataType.startsWith('Binary')
  const content = binary ? BinaryValue : StringValue
  if (typeof content !== 'string' || content === '') {
    throw new SqsError(
      'InvalidParameterValue',
      `The message attribute '${name}' must contain a non-empty value of type '${DataType}'.`,
    )
  }
  return binary ? { DataType, BinaryValue: content } : { DataType, StringValue: content }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
