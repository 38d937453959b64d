import {
  type MessageAttributes,
  md5,
  md5OfAttributes,
  type Received,
  systemAttributes,
} from '../sqs/message.ts'

/** Where a batch comes from. */
export interface Origin {
  readonly arn: string
  readonly region: string
}

/**
 * The event of a batch of messages.
 *
 * Source: "Example Amazon SQS message events" of the Lambda developer guide.
 */
export function buildQueueEvent(messages: readonly Received[], { arn, region }: Origin) {
  return {
    Records: messages.map((message) => {
      const digest = md5OfAttributes(message.attributes)
      return {
        messageId: message.id,
        receiptHandle: message.receiptHandle,
        body: message.body,
        attributes: systemAttributes(message),
        messageAttributes: showAttributes(message.attributes),
        md5OfBody: md5(message.body),
        ...(digest === null ? {} : { md5OfMessageAttributes: digest }),
        eventSource: 'aws:sqs',
        eventSourceARN: arn,
        awsRegion: region,
      }
    }),
  }
}

function showAttributes(attributes: MessageAttributes) {
  const shown = Object.entries(attributes).map(([name, { DataType, StringValue, BinaryValue }]) => [
    name,
    {
      ...(StringValue === undefined ? {} : { stringValue: StringValue }),
      ...(BinaryValue === undefined ? {} : { binaryValue: BinaryValue }),
      stringListValues: [],
      binaryListValues: [],
      dataType: DataType,
    },
  ])
  return Object.fromEntries(shown)
}
