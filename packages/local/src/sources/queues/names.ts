import { type App, type QueueFunction, queueUrlVariable } from '@thaw/app'
import { accountId } from '../../account.ts'

export function queueFunctions(app: App): QueueFunction[] {
  return app.functions.filter((fn): fn is QueueFunction => fn.kind === 'queue')
}

/** `worker`, and `worker.fifo` for a FIFO queue, as SQS wants it. */
export function queueName({ name, queue }: QueueFunction): string {
  return queue.fifo ? `${name}.fifo` : name
}

export function deadLetterQueueName({ name, queue }: QueueFunction): string {
  return queue.fifo ? `${name}-dead.fifo` : `${name}-dead`
}

/** @param endpoint of SQS: `http://127.0.0.1:4100` */
export function queueUrl(endpoint: string, name: string): string {
  return `${endpoint}/${accountId}/${name}`
}

/** The variables that tell every function where the queues are. */
export function queueVariables(app: App, endpoint: string): Record<string, string> {
  return Object.fromEntries(
    queueFunctions(app).map((fn) => [queueUrlVariable(fn.name), queueUrl(endpoint, queueName(fn))]),
  )
}
