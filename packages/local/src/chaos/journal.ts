import type { Outcome } from '../environment/outcome.ts'
import { readFailure } from '../environment/outcome.ts'
import type { EnvironmentInfo } from '../environment/pool.ts'
import type { Attempt, Fault, KilledState, Trouble } from './attempt.ts'
import { describeFault, explain } from './explain.ts'
import type { ChaosError, ChaosReport } from './report.ts'

/** How many errors are kept of either kind. */
const keptErrors = 1000

/** An environment, as far as faults are concerned. */
interface Life {
  readonly functionName: string
  starting: boolean
  startingAtMs: number
  /** The requests that it has, or is about to begin with: one, of Web Functions many. */
  readonly requests: Set<string>
  /** Those of them whose answers are being streamed. */
  readonly streaming: Set<string>
  /** Was done to it while it had no request; belongs to the next. */
  pending: Fault[]
  /** Stopped at the moment. */
  held: Fault | null
}

/** What one request came to, for the client. */
export interface Seen {
  readonly requestId: string
  readonly request: string
  /** As it was sent; null when the connection broke instead. */
  readonly status: number | null
  /** Null when it is nothing to complain about. */
  readonly trouble: Trouble | null
}

/**
 * Keeps every fault with the invocations it was done to, for as long as they last, and says of each error at once
 * which of them is to blame.
 */
export class Journal {
  readonly #seed: string
  readonly #startedAt = performance.now()
  readonly #attempts = new Map<string, Attempt>()
  readonly #lives = new Map<string, Life>()
  /** Kills whose place no environment of the function has taken yet. */
  readonly #gaps = new Map<string, Fault[]>()
  readonly #kills: Partial<Record<KilledState, number>> = {}
  readonly #freezes = { idle: 0, busyMs: [] as number[], cut: 0, clockAhead: 0, clockBehind: 0 }
  readonly #bucket = { delayed: 0, unavailable: 0, reset: 0, 'lost-answer': 0, skewed: 0 }
  readonly #answers: Record<string, number> = {}
  readonly #invocations = { succeeded: 0, failed: 0 }
  readonly #errors: ChaosError[] = []
  readonly #totals = { explained: 0, unexplained: 0 }
  #storms = 0

  constructor(seed: string) {
    this.#seed = seed
  }

  nowMs(): number {
    return performance.now() - this.#startedAt
  }

  // What happens to environments and invocations.

  began(requestId: string, functionName: string): void {
    this.#attempts.set(requestId, { functionName, startedMs: this.nowMs(), faults: [] })
  }

  forget(requestId: string): void {
    this.#attempts.delete(requestId)
  }

  starting(environmentId: string, functionName: string): void {
    const life = this.#lives.get(environmentId)
    if (life !== undefined) Object.assign(life, { starting: true, startingAtMs: this.nowMs() })
    else {
      this.#lives.set(environmentId, {
        functionName,
        starting: true,
        startingAtMs: this.nowMs(),
        requests: new Set(),
        streaming: new Set(),
        pending: [],
        held: null,
      })
    }
  }

  started(environmentId: string): void {
    const life = this.#lives.get(environmentId)
    if (life === undefined) return
    life.starting = false
    // Whatever was killed before has been made up for, as far as it was missed.
    if (!this.#replaces(life.functionName)) this.#gaps.delete(life.functionName)
  }

  assigned(environmentId: string, requestId: string): void {
    const life = this.#lives.get(environmentId)
    if (life === undefined) return
    life.requests.add(requestId)
    const faults = this.#attempts.get(requestId)?.faults
    faults?.push(...life.pending)
    if (life.held !== null) faults?.push(life.held)
    life.pending = []
  }

  streaming(environmentId: string, requestId: string): void {
    this.#lives.get(environmentId)?.streaming.add(requestId)
  }

  finished(environmentId: string, requestId: string): void {
    const life = this.#lives.get(environmentId)
    life?.requests.delete(requestId)
    life?.streaming.delete(requestId)
  }

  ended(environmentId: string): void {
    this.#lives.delete(environmentId)
  }

  isStarting(environmentId: string): boolean {
    return this.#lives.get(environmentId)?.starting === true
  }

  /** Whether it is stopped at the moment. */
  isHeld(environmentId: string): boolean {
    return (this.#lives.get(environmentId)?.held ?? null) !== null
  }

  /** Whether it has this request. */
  has(environmentId: string, requestId: string): boolean {
    return this.#lives.get(environmentId)?.requests.has(requestId) === true
  }

  // What is done to them.

  killed({ id, functionName, state }: EnvironmentInfo, storm: boolean): void {
    const life = this.#lives.get(id)
    const what: KilledState =
      life?.starting === true
        ? 'starting'
        : state === 'busy' && (life?.streaming.size ?? 0) > 0
          ? 'streaming'
          : state === 'dead'
            ? 'reset'
            : state
    this.#kills[what] = (this.#kills[what] ?? 0) + 1
    const atMs = this.nowMs()
    const lostMs = what === 'starting' ? atMs - (life?.startingAtMs ?? atMs) : 0
    const fault: Fault = { kind: 'kill', environmentId: id, atMs, state: what, storm, lostMs }
    this.#blame(id, fault)
    this.#gaps.set(functionName, [...(this.#gaps.get(functionName) ?? []), fault])
  }

  stormed(): void {
    this.#storms++
  }

  /** @param ms null for an environment that is frozen already, and stays so until it has a request */
  froze(environmentId: string, ms: number | null, cut: number, clockMs: number): void {
    const fault: Fault = { kind: 'freeze', environmentId, atMs: this.nowMs(), ms: ms ?? 0, cut }
    if (ms === null || this.#lives.get(environmentId)?.requests.size === 0) this.#freezes.idle++
    else this.#freezes.busyMs.push(ms)
    this.#freezes.cut += cut
    if (clockMs > 0) this.#freezes.clockAhead++
    if (clockMs < 0) this.#freezes.clockBehind++
    this.#blame(environmentId, fault)
    const life = this.#lives.get(environmentId)
    if (life !== undefined && ms !== null) life.held = fault
  }

  thawed(environmentId: string): void {
    const life = this.#lives.get(environmentId)
    if (life !== undefined) life.held = null
  }

  bucketFailed(fault: Fault & { readonly kind: 'bucket' | 'clock' }): void {
    if (fault.kind === 'clock') this.#bucket.skewed++
    else {
      if (fault.fault.delayMs !== undefined) this.#bucket.delayed++
      if (fault.fault.fate !== undefined) this.#bucket[fault.fault.fate]++
    }
    this.#blame(fault.environmentId, fault)
  }

  #blame(environmentId: string, fault: Fault): void {
    const life = this.#lives.get(environmentId)
    if (life === undefined) return
    for (const requestId of life.requests) this.#attempts.get(requestId)?.faults.push(fault)
    // A bucket that fails without a request has failed nobody; who is held gives it to the requests that come meanwhile.
    if (life.requests.size === 0 && fault.kind === 'freeze' && fault.ms === 0) life.pending.push(fault)
  }

  // What comes of it.

  /** What has taken environments of a function away just now. */
  shortage(functionName: string): readonly Fault[] {
    const held = [...this.#lives.values()].flatMap((life) =>
      life.functionName === functionName && life.held !== null ? [life.held] : [],
    )
    return [...(this.#replaces(functionName) ? (this.#gaps.get(functionName) ?? []) : []), ...held]
  }

  #replaces(functionName: string): boolean {
    return [...this.#lives.values()].some((life) => life.functionName === functionName && life.starting)
  }

  /** A client has been answered. */
  answered({ requestId, request, status, trouble }: Seen): void {
    const name = status === null ? 'broken' : String(status)
    this.#answers[name] = (this.#answers[name] ?? 0) + 1
    if (trouble !== null) this.#complain(requestId, request, name, trouble)
    this.forget(requestId)
  }

  /** An invocation without an HTTP client has ended; `trouble` is why it failed. */
  returned(requestId: string, functionName: string, trouble: Trouble | null): void {
    this.#invocations[trouble === null ? 'succeeded' : 'failed']++
    if (trouble !== null) this.#complain(requestId, `invocation of ${functionName}`, 'failed', trouble)
    this.forget(requestId)
  }

  #complain(requestId: string, request: string, saw: string, trouble: Trouble): void {
    const attempt = this.#attempts.get(requestId) ?? { functionName: '', startedMs: 0, faults: [] }
    const explanation = explain(trouble, attempt)
    const kind = explanation === null ? 'unexplained' : 'explained'
    this.#totals[kind]++
    const kept = this.#errors.filter(
      (error) => (error.explanation === null) === (explanation === null),
    ).length
    if (kept >= keptErrors) return
    const others = attempt.faults.map(describeFault).join('; ')
    const detail = describeTrouble(trouble) + (others === '' ? '' : ` (meanwhile: ${others})`)
    this.#errors.push({ atMs: this.nowMs(), request, requestId, saw, explanation, detail })
  }

  report(): ChaosReport {
    return structuredClone({
      seed: this.#seed,
      seconds: this.nowMs() / 1000,
      kills: this.#kills,
      storms: this.#storms,
      freezes: this.#freezes,
      bucket: this.#bucket,
      answers: this.#answers,
      invocations: this.#invocations,
      ...this.#totals,
      errors: this.#errors,
    })
  }
}

/** What an invocation failed of; null when it did not. */
export function troubleOf(outcome: Outcome): Trouble | null {
  if (outcome.functionError === null) return null
  const { environmentId, durationMs } = outcome
  return { kind: 'failed', environmentId, durationMs, ...readFailure(outcome.payload) }
}

function describeTrouble(trouble: Trouble): string {
  switch (trouble.kind) {
    case 'failed':
      return `${trouble.environmentId}: ${trouble.errorType}: ${trouble.errorMessage}`
    case 'throttled':
      return 'no environment was free'
    case 'late':
      return `no answer within ${trouble.waitedMs / 1000} s`
    case 'answered':
      return `the function answered so`
    default:
      return trouble.reason
  }
}
