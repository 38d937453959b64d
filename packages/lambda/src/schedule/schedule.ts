import { createEntry } from '../events/entry.ts'
import { type Schema, validate } from '../events/schema.ts'
import { isObject, wordOrNull } from '../fronts/fields.ts'
import type { LambdaContext } from '../invocation.ts'
import type { Participant } from '../participant.ts'

export interface ScheduleOptions<Detail> {
  /** Take part in every event, the first outermost. */
  readonly with?: readonly Participant[]
  /** What `detail` must be; unchecked without one. */
  readonly schema?: Schema<Detail>
}

/** One event of EventBridge or of its Scheduler. */
export interface ScheduledEvent<Detail> {
  /** The same for every delivery of this event, and no other's: for `atomic(fn, { key })`. */
  readonly key: string
  /** When it was due, in ms since the epoch; null where the event does not say. */
  readonly dueAt: number | null
  /** ARN of the rule or schedule; null where the event does not say. */
  readonly source: string | null
  /** What the rule, the schedule or whoever sent the event put into it. */
  readonly detail: Detail
  readonly event: unknown
}

export type ScheduleHandler = (event: unknown, context: LambdaContext) => Promise<void>

/**
 * Makes a Lambda handler of a function that works on one event of EventBridge, whether of a rule, of a schedule of its
 * Scheduler, or sent by an application. Each is delivered at least once: see `once`. A throw makes Lambda deliver the
 * event again (twice by default), and so does running into the time limit.
 *
 * A schedule of EventBridge Scheduler sends whatever its input says. With
 * `{"schedule": "<aws.scheduler.schedule-arn>", "time": "<aws.scheduler.scheduled-time>", "detail": …}` every delivery
 * is known for what it is; any other input is `detail` as a whole, and only Lambda's own repetitions have the same key.
 *
 * The handler rejects with what `handle` throws, `InvalidBodyError`, `DeadlineError` or `InvalidContextError`.
 *
 * @throws ServeConfigError at once, for options that cannot work.
 */
export function schedule<Detail = unknown>(
  handle: (event: ScheduledEvent<Detail>) => unknown,
  options: ScheduleOptions<Detail> = {},
): ScheduleHandler {
  const { schema } = options
  const entry = createEntry(options.with)
  return (event, context) =>
    entry.open(context, (session) =>
      entry.run(session, event, async () => {
        const scheduled = readEvent(event, context.awsRequestId)
        const detail = schema
          ? await validate(schema, scheduled.detail, `The detail of event ${scheduled.key}`)
          : (scheduled.detail as Detail)
        await handle({ ...scheduled, detail })
      }),
    )
}

/** https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html */
function readEvent(event: unknown, requestId: string): ScheduledEvent<unknown> {
  const fields = isObject(event) ? event : {}
  const { id, source, schedule, detail } = fields
  const dueAt = timeOf(fields.time)
  if (typeof id === 'string' && typeof source === 'string' && 'detail-type' in fields) {
    const rule = Array.isArray(fields.resources) ? wordOrNull(fields.resources[0]) : null
    return { key: `event:${id}`, dueAt, source: rule, detail, event }
  }
  if (typeof schedule === 'string' && dueAt !== null) {
    return { key: `schedule:${schedule}:${fields.time}`, dueAt, source: schedule, detail, event }
  }
  // Lambda keeps the request id when it repeats an asynchronous invocation.
  return { key: `lambda:${requestId}`, dueAt: null, source: null, detail: event, event }
}

function timeOf(value: unknown): number | null {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(time) ? null : time
}
