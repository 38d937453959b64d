import type { Outcome } from '../environment/outcome.ts'
import { LocalError } from '../errors.ts'
import type { Exchanged } from '../http/exchanged.ts'
import type { TakePlace } from '../http/web-function/pass-on.ts'
import type { Trouble } from './attempt.ts'
import { type Journal, troubleOf } from './journal.ts'

type Invoke = (functionName: string, event: string, traceId: string, requestId: string) => Promise<Outcome>

/** Sees every invocation, and what became of it. */
export interface InvocationWatch {
  /** Invocations of HTTP clients, of which `exchanged` tells the end. */
  watchClients(invoke: Invoke): Invoke
  /** The same for requests to Web Functions. */
  watchPlaces(take: TakePlace): TakePlace
  exchanged(exchanged: Exchanged): void
  /** All other invocations. */
  watchOthers(invoke: Invoke): Invoke
}

export function watchInvocations(journal: Journal): InvocationWatch {
  /** When a client was throttled, which is told later, this is what there was to blame. */
  const shortages = new Map<string, Trouble>()

  const throttled = (functionName: string): Trouble => {
    return { kind: 'throttled', faults: journal.shortage(functionName) }
  }

  const watch =
    (
      invoke: Invoke,
      onEnd: (requestId: string, functionName: string, trouble: Trouble | null) => void,
    ): Invoke =>
    async (functionName, event, traceId, requestId) => {
      journal.began(requestId, functionName)
      try {
        const outcome = await invoke(functionName, event, traceId, requestId)
        onEnd(requestId, functionName, troubleOf(outcome))
        return outcome
      } catch (error) {
        if (isThrottled(error)) onEnd(requestId, functionName, throttled(functionName))
        else journal.forget(requestId)
        throw error
      }
    }

  function troubleSeen(seen: Exchanged): Trouble | null {
    const { requestId, problem, outcome, brokenOff, status, durationMs } = seen
    if (problem === 'too-late') return { kind: 'late', waitedMs: durationMs }
    if (brokenOff !== null) return { kind: 'broke-off', reason: brokenOff }
    if (problem === 'throttled') return shortages.get(requestId) ?? { kind: 'throttled', faults: [] }
    if (problem === 'function-failed') {
      const trouble = outcome === null ? null : troubleOf(outcome)
      return trouble ?? { kind: 'broke-off', reason: 'the streamed answer of the function broke off' }
    }
    if (status === null || status < 500) return null
    if (problem === null) return { kind: 'answered', status }
    return { kind: 'refused', reason: `what stands before the function says: ${problem}` }
  }

  return {
    watchClients: (invoke) =>
      watch(invoke, (requestId, _functionName, trouble) => {
        if (trouble?.kind === 'throttled') shortages.set(requestId, trouble)
      }),
    watchPlaces: (take) => async (functionName, requestId) => {
      journal.began(requestId, functionName)
      try {
        return await take(functionName, requestId)
      } catch (error) {
        if (isThrottled(error)) shortages.set(requestId, throttled(functionName))
        else journal.forget(requestId)
        throw error
      }
    },
    exchanged(seen) {
      const { requestId, request, status, brokenOff } = seen
      // A client that went away has seen nothing.
      if (status === null && brokenOff === null) journal.forget(requestId)
      else
        journal.answered({
          requestId,
          request,
          status: brokenOff === null ? status : null,
          trouble: troubleSeen(seen),
        })
      shortages.delete(requestId)
    },
    watchOthers: (invoke) =>
      watch(invoke, (requestId, functionName, trouble) => journal.returned(requestId, functionName, trouble)),
  }
}

function isThrottled(error: unknown): boolean {
  return error instanceof LocalError && error.code === 'TOO_MANY_REQUESTS'
}
