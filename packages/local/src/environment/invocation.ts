import type { FunctionSpec } from './function-spec.ts'
import type { EnvironmentObserver } from './observer.ts'
import { exitFailure, type Failed, type Failure, type Outcome, plainly, timeoutFailure } from './outcome.ts'
import type { Reports } from './reports.ts'
import type { Supervisor } from './supervisor.ts'

/** One invocation to be done. */
export interface Work {
  readonly requestId: string
  /** JSON. */
  readonly event: string
  /** `Root=1-…`. */
  readonly traceId: string
}

/** The environment in which an invocation runs. */
export interface Place {
  readonly spec: FunctionSpec
  readonly supervisor: Supervisor
  readonly reports: Reports
  readonly observer: EnvironmentObserver | null
  /** It has been answered; `isDone` when nothing but the runtime has to ask for more. */
  onAnswered(isDone: boolean): void
}

export type Answer = (payload: string, functionError: 'Unhandled' | null, stream?: Outcome['stream']) => void

/**
 * Runs one invocation, from its start to the runtime's being ready for another. Gives null, or what it failed of, which
 * `answer` has not been told. `deadline` is by the monotonic clock, `deadlineMs` since the epoch.
 */
export async function runInvocation(
  place: Place,
  work: Work,
  { deadline, deadlineMs }: { readonly deadline: number; readonly deadlineMs: number },
  answer: Answer,
): Promise<Failed | null> {
  const { spec, supervisor, reports, observer } = place
  const { requestId } = work
  const failed = supervisor.runtime === null ? await restart(place, requestId, deadline) : null
  reports.started(requestId)
  if (failed !== null) return failed
  const { aheadMs = 0, ...clock } = observer?.deliver(requestId) ?? {}
  supervisor.runtime?.deliver({
    ...work,
    ...clock,
    deadlineMs: deadlineMs + aheadMs,
    functionArn: spec.arn,
  })
  return await follow(place, requestId, deadline, answer)
}

/** Waits for what the runtime makes of an invocation. */
async function follow(
  { spec, supervisor, observer, onAnswered }: Place,
  requestId: string,
  deadline: number,
  answer: Answer,
): Promise<Failed | null> {
  const { runtime } = supervisor
  let broken: Failure | null = null
  for (;;) {
    const happening = await supervisor.next(deadline)
    switch (happening?.kind) {
      case undefined:
        await supervisor.reset('timeout')
        return plainly(timeoutFailure(requestId, spec.timeoutMs))
      case 'answer':
        answer(happening.payload, happening.functionError)
        onAnswered(runtime?.extensionsDone === true)
        break
      case 'stream':
        answer('', null, happening.response)
        observer?.streaming(requestId)
        break
      case 'streamed':
        broken = happening.failure
        onAnswered(runtime?.extensionsDone === true)
        break
      case 'ready':
        return broken === null ? null : plainly(broken)
      case 'exit':
        return plainly(
          ofRequest(requestId, runtime?.extensionError) ?? exitFailure(requestId, happening.exit),
        )
    }
  }
}

/** "Suppressed init": the initialisation that is repeated, or belated, within an invocation and its time. */
async function restart(
  { spec, supervisor, reports, observer }: Place,
  requestId: string,
  deadline: number,
): Promise<Failed | null> {
  const startedAt = performance.now()
  observer?.starting()
  const failed = await supervisor.start(deadline)
  observer?.started()
  if (failed === null) return null
  reports.initialised('invoke', performance.now() - startedAt, failed.failure)
  if (failed.failure.errorType !== 'Sandbox.Timedout') return failed
  return plainly(timeoutFailure(requestId, spec.timeoutMs))
}

function ofRequest(requestId: string, failure: Failure | null | undefined): Failure | null {
  if (!failure) return null
  return { ...failure, errorMessage: `RequestId: ${requestId} Error: ${failure.errorMessage}` }
}
