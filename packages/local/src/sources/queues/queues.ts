import type { App, QueueFunction } from '@thaw/app'
import { accountId } from '../../account.ts'
import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import type { Queues as SqsQueues } from '../sqs/actions.ts'
import type { Message } from '../sqs/message.ts'
import { Queue } from '../sqs/queue.ts'
import { type MappingOptions, startMapping } from './mapping.ts'
import { deadLetterQueueName, queueFunctions, queueName, queueUrl } from './names.ts'

export interface QueuesOptions extends Pick<MappingOptions, 'invoke' | 'region'> {
  /** Of SQS: `http://127.0.0.1:4100`. */
  readonly endpoint: string
  readonly clock: Clock
  readonly log: Log
  /** How long a message that failed stays hidden, in ms; as the application has it when absent. */
  readonly visibilityMs: number | null
}

/** A message that was received too often. */
export interface DeadLetter {
  readonly messageId: string
  readonly body: string
  /** By name; binary values in base64. */
  readonly attributes: Readonly<Record<string, string>>
  readonly groupId: string | null
  readonly receiveCount: number
  readonly sentAtMs: number
}

/** The queues of an application, each with its dead-letter queue and its event source mapping. */
export interface AppQueues extends SqsQueues {
  /** Takes over what the application declares now. Queues that stay keep their messages. */
  update(app: App): void
  /** Of a function's dead-letter queue, oldest first; null when there is no such function. */
  deadLetters(functionName: string): DeadLetter[] | null
  close(): void
}

const dayMs = 24 * 3_600_000

interface Entry {
  fn: QueueFunction
  readonly queue: Queue
  readonly deadLetters: Queue
  readonly mapping: { close(): void }
}

export function createQueues(options: QueuesOptions): AppQueues {
  const { region, endpoint, clock, log } = options
  /** By the name of the queue: one that becomes FIFO is another one. */
  const entries = new Map<string, Entry>()

  function open(fn: QueueFunction): Entry {
    const { fifo } = fn.queue
    const arnOf = (name: string) => `arn:aws:sqs:${region}:${accountId}:${name}`
    const deadName = deadLetterQueueName(fn)
    const visibilityMs = 30_000
    const deadLetters = new Queue(
      deadName,
      arnOf(deadName),
      { fifo, visibilityMs, retentionMs: 14 * dayMs, redrive: null },
      clock,
    )
    deadLetters.arrived = ({ id, receiveCount, source }) => {
      const reason = source === null ? 'was sent there' : `was received ${receiveCount} times`
      log(`${fn.name}: message ${id} is a dead letter now: it ${reason}`, 'simulator')
    }
    const name = queueName(fn)
    const queue = new Queue(name, arnOf(name), settingsOf(fn, deadLetters), clock)
    const settings = () => entries.get(name)?.fn ?? fn
    const mapping = startMapping({ ...options, functionName: fn.name, queue, settings })
    return { fn, queue, deadLetters, mapping }
  }

  function settingsOf({ queue: { fifo, tries, visibilitySeconds } }: QueueFunction, deadLetters: Queue) {
    const visibilityMs = options.visibilityMs ?? visibilitySeconds * 1000
    return { fifo, visibilityMs, retentionMs: 4 * dayMs, redrive: { tries, queue: deadLetters } }
  }

  const all = () => [...entries.values()].flatMap(({ queue, deadLetters }) => [queue, deadLetters])
  return {
    all,
    find: (name) => all().find((queue) => queue.name === name) ?? null,
    urlOf: ({ name }) => queueUrl(endpoint, name),
    update(app) {
      const wanted = new Map(queueFunctions(app).map((fn) => [queueName(fn), fn]))
      for (const [name, { mapping }] of entries) {
        if (wanted.has(name)) continue
        mapping.close()
        entries.delete(name)
      }
      for (const [name, fn] of wanted) {
        const entry = entries.get(name)
        if (entry === undefined) entries.set(name, open(fn))
        else {
          entry.fn = fn
          entry.queue.settings = settingsOf(fn, entry.deadLetters)
        }
      }
    },
    deadLetters(functionName) {
      const entry = [...entries.values()].find(({ fn }) => fn.name === functionName)
      return entry?.deadLetters.messages().map(show) ?? null
    },
    close() {
      for (const { mapping } of entries.values()) mapping.close()
    },
  }
}

function show({ id, body, attributes, groupId, receiveCount, sentAtMs }: Readonly<Message>): DeadLetter {
  const values = Object.entries(attributes).map(([name, { StringValue, BinaryValue }]) => [
    name,
    StringValue ?? BinaryValue ?? '',
  ])
  return { messageId: id, body, attributes: Object.fromEntries(values), groupId, receiveCount, sentAtMs }
}
