import { invalidValue, SqsError } from './errors.ts'
import { type Message, md5, md5OfAttributes, type Received, systemAttributes } from './message.ts'
import {
  entries,
  integer,
  list,
  messageLimitBytes,
  optionalText,
  type Parameters,
  readDraft,
  sizeOfEntry,
  text,
} from './parameters.ts'
import type { Queue } from './queue.ts'

/** The queues that requests may name. */
export interface Queues {
  all(): readonly Queue[]
  /** By its name; null when there is none. */
  find(name: string): Queue | null
  /** `http://127.0.0.1:4100/123456789012/worker`. */
  urlOf(queue: Queue): string
}

export interface ActionContext {
  readonly queues: Queues
  /** Aborted when the client has gone away. */
  readonly signal: AbortSignal
}

/** Does what a request asks for; throws `SqsError`. */
export type Action = (from: Parameters, context: ActionContext) => unknown

/** Every action of SQS that there is here. Those that make and change queues are not: the application declares them. */
export const actions: Readonly<Record<string, Action>> = {
  SendMessage: (from, { queues }) => send(queueOf(from, queues), from),
  SendMessageBatch: (from, { queues }) => sendBatch(queueOf(from, queues), from),
  ReceiveMessage: receive,
  DeleteMessage(from, { queues }) {
    queueOf(from, queues).delete(text(from, 'ReceiptHandle'))
    return {}
  },
  DeleteMessageBatch: (from, { queues }) => {
    const queue = queueOf(from, queues)
    return each(from, (entry) => {
      queue.delete(text(entry, 'ReceiptHandle'))
      return {}
    })
  },
  ChangeMessageVisibility(from, { queues }) {
    changeVisibility(queueOf(from, queues), from)
    return {}
  },
  ChangeMessageVisibilityBatch: (from, { queues }) => {
    const queue = queueOf(from, queues)
    return each(from, (entry) => {
      changeVisibility(queue, entry)
      return {}
    })
  },
  PurgeQueue(from, { queues }) {
    queueOf(from, queues).purge()
    return {}
  },
  GetQueueUrl(from, { queues }) {
    return { QueueUrl: queues.urlOf(named(text(from, 'QueueName'), queues)) }
  },
  ListQueues(from, { queues }) {
    const prefix = optionalText(from, 'QueueNamePrefix') ?? ''
    const found = queues.all().filter(({ name }) => name.startsWith(prefix))
    return found.length === 0 ? {} : { QueueUrls: found.map((queue) => queues.urlOf(queue)) }
  },
  GetQueueAttributes(from, { queues }) {
    const wanted = list(from, 'AttributeNames')
    const all = Object.entries(attributesOf(queueOf(from, queues)))
    return {
      Attributes: Object.fromEntries(all.filter(([name]) => wanted.includes('All') || wanted.includes(name))),
    }
  },
}

function queueOf(from: Parameters, queues: Queues): Queue {
  const url = text(from, 'QueueUrl')
  // Also the name alone, as AWS's own command line takes it.
  return named(url.slice(url.lastIndexOf('/') + 1), queues)
}

function named(name: string, queues: Queues): Queue {
  const queue = queues.find(name)
  if (queue !== null) return queue
  const known =
    queues
      .all()
      .map((candidate) => candidate.name)
      .join(', ') || 'none'
  throw new SqsError(
    'QueueDoesNotExist',
    `The specified queue does not exist: '${name}'. There are: ${known}`,
  )
}

function send(queue: Queue, from: Parameters) {
  const { fifo } = queue.settings
  return sent(queue.send(readDraft(from, fifo)))
}

function sent(message: Message) {
  const md5OfMessageAttributes = md5OfAttributes(message.attributes)
  return {
    MessageId: message.id,
    MD5OfMessageBody: md5(message.body),
    ...(md5OfMessageAttributes === null ? {} : { MD5OfMessageAttributes: md5OfMessageAttributes }),
    ...(message.sequenceNumber === null ? {} : { SequenceNumber: message.sequenceNumber }),
  }
}

function sendBatch(queue: Queue, from: Parameters) {
  const bytes = entries(from).reduce((sum, entry) => sum + sizeOfEntry(entry), 0)
  if (bytes > messageLimitBytes) {
    throw new SqsError(
      'BatchRequestTooLong',
      `Batch requests cannot be longer than ${messageLimitBytes} bytes. You have sent ${bytes} bytes.`,
    )
  }
  return each(from, (entry) => send(queue, entry))
}

/** Does something for each entry of a batch; one that fails fails by itself. */
function each(from: Parameters, act: (entry: Parameters) => object) {
  const Successful: object[] = []
  const Failed: object[] = []
  for (const entry of entries(from)) {
    try {
      Successful.push({ Id: entry.Id, ...act(entry) })
    } catch (error) {
      if (!(error instanceof SqsError)) throw error
      Failed.push({ Id: entry.Id, SenderFault: true, Code: error.code, Message: error.message })
    }
  }
  return { Successful, Failed }
}

async function receive(from: Parameters, { queues, signal }: ActionContext) {
  const queue = queueOf(from, queues)
  const seconds = integer(from, 'VisibilityTimeout', [0, 43_200], null)
  const messages = await queue.receive({
    most: integer(from, 'MaxNumberOfMessages', [1, 10], 1),
    waitMs: integer(from, 'WaitTimeSeconds', [0, 20], 0) * 1000,
    ...(seconds === null ? {} : { visibilityMs: seconds * 1000 }),
    signal,
  })
  if (messages.length === 0) return {}
  const system = [...list(from, 'AttributeNames'), ...list(from, 'MessageSystemAttributeNames')]
  const own = list(from, 'MessageAttributeNames').map(String)
  return { Messages: messages.map((message) => show(message, system, own)) }
}

function show(message: Received, system: readonly unknown[], own: readonly string[]) {
  const told = Object.entries(systemAttributes(message)).filter(
    ([name]) => system.includes('All') || system.includes(name),
  )
  const attributes = Object.fromEntries(
    Object.entries(message.attributes).filter(([name]) => own.some((wanted) => matches(name, wanted))),
  )
  const digest = md5OfAttributes(attributes)
  return {
    MessageId: message.id,
    ReceiptHandle: message.receiptHandle,
    MD5OfBody: md5(message.body),
    Body: message.body,
    ...(told.length === 0 ? {} : { Attributes: Object.fromEntries(told) }),
    ...(digest === null ? {} : { MessageAttributes: attributes, MD5OfMessageAttributes: digest }),
  }
}

/** `All` and `.*` are everything, `foo.*` what begins with `foo.`. */
function matches(name: string, wanted: string): boolean {
  if (wanted === 'All' || wanted === '.*') return true
  return wanted.endsWith('.*') ? name.startsWith(wanted.slice(0, -1)) : name === wanted
}

function changeVisibility(queue: Queue, from: Parameters): void {
  const seconds = integer(from, 'VisibilityTimeout', [0, 43_200], null)
  if (seconds === null) throw invalidValue('VisibilityTimeout', null, 'Must be between 0 and 43200.')
  queue.changeVisibility(text(from, 'ReceiptHandle'), seconds * 1000)
}

function attributesOf(queue: Queue): Record<string, string> {
  const { fifo, visibilityMs, redrive } = queue.settings
  const { visible, hidden, delayed } = queue.counts()
  const created = String(Math.floor(queue.createdAtMs / 1000))
  return {
    QueueArn: queue.arn,
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesNotVisible: String(hidden),
    ApproximateNumberOfMessagesDelayed: String(delayed),
    CreatedTimestamp: created,
    LastModifiedTimestamp: created,
    VisibilityTimeout: String(Math.ceil(visibilityMs / 1000)),
    MaximumMessageSize: String(messageLimitBytes),
    MessageRetentionPeriod: String(queue.settings.retentionMs / 1000),
    DelaySeconds: '0',
    ReceiveMessageWaitTimeSeconds: '0',
    SqsManagedSseEnabled: 'true',
    ...(fifo ? { FifoQueue: 'true', ContentBasedDeduplication: 'false' } : {}),
    ...(redrive === null
      ? {}
      : {
          RedrivePolicy: JSON.stringify({
            deadLetterTargetArn: redrive.queue.arn,
            maxReceiveCount: redrive.tries,
          }),
        }),
  }
}
