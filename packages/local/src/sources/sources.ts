import type { App, ScheduleFunction } from '@thaw/app'
import type { AwsServer } from '../aws/server.ts'
import { type Clock, systemClock } from '../clock.ts'
import type { Outcome } from '../environment/outcome.ts'
import { LocalError } from '../errors.ts'
import type { Log } from '../log.ts'
import { type Asynchronous, createAsynchronous } from './asynchronous.ts'
import { createQueues, type DeadLetter } from './queues/queues.ts'
import { buildScheduledEvent } from './schedules/event.ts'
import { createScheduler } from './schedules/scheduler.ts'
import { answerSqs } from './sqs/protocol.ts'

/** What may be otherwise than on AWS. */
export interface SourceOptions {
  /** How long a message that was received stays hidden, in ms; what the application's model says when absent. */
  readonly visibilityMs?: number
  /** Before each further try of an asynchronous invocation that failed, in ms; 60,000 and 120,000 when absent. */
  readonly retryDelaysMs?: readonly number[]
  /** The time that schedules, queues and retries go by; this machine's when absent. */
  readonly clock?: Clock
}

export interface SourcesFacts extends SourceOptions {
  readonly server: AwsServer
  readonly region: string
  invoke(functionName: string, event: string, traceId: string, requestId?: string): Promise<Outcome>
  readonly log: Log
}

/** Everything that invokes functions by itself: queues, schedules, asynchronous invocation. */
export interface Sources {
  readonly asynchronous: Asynchronous
  /** Takes over what the application declares now. */
  update(app: App): void
  /** The event that a schedule would send now (JSON); null for a function that has none. */
  scheduledEvent(functionName: string): string | null
  /** Throws `LocalError` `FUNCTION_UNKNOWN` for a function without a queue. */
  deadLetters(functionName: string): DeadLetter[]
  close(): void
}

export function startSources(facts: SourcesFacts): Sources {
  const { server, region, invoke, log, clock = systemClock, visibilityMs = null } = facts
  const queues = createQueues({ endpoint: server.url, region, invoke, clock, log, visibilityMs })
  server.serve((request) => answerSqs(request, queues))

  const { retryDelaysMs } = facts
  const asynchronous = createAsynchronous({
    invoke,
    clock,
    log,
    ...(retryDelaysMs === undefined ? {} : { retryDelaysMs }),
  })
  let schedules: readonly ScheduleFunction[] = []
  const eventOf = (functionName: string, dueAtMs: number) =>
    JSON.stringify(buildScheduledEvent({ functionName, region, dueAtMs }))
  const scheduler = createScheduler({
    clock,
    run: (name, dueAtMs) => void asynchronous.submit(name, eventOf(name, dueAtMs)),
  })

  return {
    asynchronous,
    update(app) {
      queues.update(app)
      schedules = app.functions.filter((fn): fn is ScheduleFunction => fn.kind === 'schedule')
      scheduler.update(schedules)
    },
    scheduledEvent: (name) => (schedules.some((fn) => fn.name === name) ? eventOf(name, clock.now()) : null),
    deadLetters(functionName) {
      const found = queues.deadLetters(functionName)
      if (found !== null) return found
      throw new LocalError('FUNCTION_UNKNOWN', `there is no function '${functionName}' with a queue`)
    },
    close() {
      scheduler.close()
      queues.close()
      asynchronous.close()
    },
  }
}
