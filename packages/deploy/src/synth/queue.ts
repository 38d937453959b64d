import { type QueueFunction, queueUrlVariable } from '@thaw/app'
import { Duration } from 'aws-cdk-lib'
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { EventSourceMapping, type IFunction } from 'aws-cdk-lib/aws-lambda'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { functionNameOf } from './names.ts'
import { allow } from './role.ts'

/** The queue of one function. */
export interface FunctionQueue {
  readonly definition: QueueFunction
  readonly queue: Queue
  readonly deadLetters: Queue
}

/**
 * A queue and its dead-letter queue, encrypted and reached over TLS only. Dead letters are kept as long as SQS can: 14 days
 * from when the message was sent.
 */
export function createQueue(scope: Construct, stackName: string, definition: QueueFunction): FunctionQueue {
  const { fifo, tries, visibilitySeconds } = definition.queue
  const home = new Construct(scope, `${definition.name}Queue`)
  const create = (id: string, name: string, options: object) =>
    new Queue(home, id, {
      queueName: fifo ? `${name}.fifo` : name,
      ...(fifo && { fifo }),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      ...options,
    })
  const name = functionNameOf(stackName, definition.name)
  const deadLetters = create('DeadLetters', `${name}-dead`, { retentionPeriod: Duration.days(14) })
  const queue = create('Queue', name, {
    visibilityTimeout: Duration.seconds(visibilitySeconds),
    deadLetterQueue: { queue: deadLetters, maxReceiveCount: tries },
  })
  return { definition, queue, deadLetters }
}

/** Where functions find the queues. */
export function queueVariables(queues: readonly FunctionQueue[]): Record<string, string> {
  return Object.fromEntries(
    queues.map(({ definition, queue }) => [queueUrlVariable(definition.name), queue.queueUrl]),
  )
}

/** What every function may do with the queues: send. */
export function sendStatements(queues: readonly FunctionQueue[]): PolicyStatement[] {
  if (queues.length === 0) return []
  return [
    allow(
      ['sqs:SendMessage'],
      queues.map(({ queue }) => queue.queueArn),
    ),
  ]
}

/** What Lambda needs of a worker's role to read its queue for it. */
export function consumeStatement({ queue }: FunctionQueue): PolicyStatement {
  return allow(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], [queue.queueArn])
}

/**
 * Has Lambda hand the messages to the worker. It is told how many batches the worker takes at once; messages that it read
 * for a throttled function would count as delivered. Such a limit is at least 2.
 */
export function connectQueue({ definition, queue }: FunctionQueue, target: IFunction): void {
  const { batchSize, batchWindowSeconds } = definition.queue
  const { concurrency = 1 } = definition
  new EventSourceMapping(queue.node.scope ?? queue, 'Mapping', {
    target,
    eventSourceArn: queue.queueArn,
    batchSize,
    ...(batchWindowSeconds > 0 && { maxBatchingWindow: Duration.seconds(batchWindowSeconds) }),
    reportBatchItemFailures: true,
    ...(concurrency > 1 && { maxConcurrency: Math.min(concurrency, 1_000) }),
  })
}
