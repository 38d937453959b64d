/**
 * What SQS answers to a request that it refuses.
 *
 * Source: "Common errors" and the errors of each action in the SQS API reference.
 */
export class SqsError extends Error {
  override readonly name = 'SqsError'
  /** As the JSON protocol names it: `QueueDoesNotExist`. */
  readonly code: string
  /** As the query protocol names it, where that is another name. */
  readonly queryCode: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
    this.queryCode = queryCodes[code] ?? code
  }
}

const prefix = 'AWS.SimpleQueueService.'

const queryCodes: Readonly<Record<string, string>> = {
  QueueDoesNotExist: `${prefix}NonExistentQueue`,
  EmptyBatchRequest: `${prefix}EmptyBatchRequest`,
  TooManyEntriesInBatchRequest: `${prefix}TooManyEntriesInBatchRequest`,
  BatchEntryIdsNotDistinct: `${prefix}BatchEntryIdsNotDistinct`,
  BatchRequestTooLong: `${prefix}BatchRequestTooLong`,
  InvalidBatchEntryId: `${prefix}InvalidBatchEntryId`,
  MessageNotInflight: `${prefix}MessageNotInflight`,
  UnsupportedOperation: `${prefix}UnsupportedOperation`,
}

export function invalidValue(name: string, value: unknown, reason: string): SqsError {
  return new SqsError(
    'InvalidParameterValue',
    `Value ${JSON.stringify(value) ?? 'nothing'} for parameter ${name} is invalid. Reason: ${reason}`,
  )
}

export function missing(name: string): SqsError {
  return new SqsError('MissingParameter', `The request must contain the parameter ${name}.`)
}
