import type { Server } from 'node:net'
import type { BucketFault, BucketFaults, BucketRequest } from '../bucket/faults.ts'
import { localAccessKeyId } from '../endpoints.ts'
import type { EnvironmentObserver } from '../environment/observer.ts'
import type { EnvironmentInfo } from '../environment/pool.ts'
import type { ClockShift } from '../environment/runtime-api.ts'
import { LocalError } from '../errors.ts'
import type { Log } from '../log.ts'
import { accessKeyIdOf, environmentIdOf } from './identity.ts'
import { type InvocationWatch, watchInvocations } from './invocations.ts'
import { Journal } from './journal.ts'
import { type ChaosOptions, readRates } from './options.ts'
import { type Act, createPlan } from './plan.ts'
import { type ChaosReport, describeReport } from './report.ts'
import { trackConnections } from './sockets.ts'

/** What chaos may do to environments. */
export interface Victims {
  list(): EnvironmentInfo[]
  kill(id: string): Promise<void>
  freeze(id: string): void
  thaw(id: string): void
}

/** Chaos in one simulator: it hears of all that happens there, and interferes. */
export interface Chaos extends InvocationWatch {
  readonly seed: string
  report(): ChaosReport
  /** Connections to this server can be cut. */
  track(server: Server): void
  /** What is told about an environment. */
  observe(id: string, functionName: string, accessKeyId: string | undefined): EnvironmentObserver
  /** For the bucket: `others` come first. */
  bucketFaults(others: BucketFaults | undefined): BucketFaults
  bucketRefused(request: BucketRequest, code: string): void
  /** How much time has passed for whoever sends a request, and for nobody else. */
  bucketAheadMs(request: BucketRequest): number
  /** Begins, now. */
  start(victims: Victims): void
  /** Ends, and prints the report. */
  close(): void
}

/** Throws `LocalError` `OPTION_INVALID`. */
export function createChaos(options: ChaosOptions, log: Log): Chaos {
  const seed = String(options.seed)
  const rates = readRates(options)
  const plan = createPlan(seed, rates)
  const journal = new Journal(seed)
  const connections = trackConnections()
  const counts = { start: 0, invocation: 0, stream: 0, bucket: 0 }
  const timers = new Set<NodeJS.Timeout>()
  /** What an environment's next invocation is told about its clock, and what it has been told. */
  const clocks = new Map<string, { next: ClockShift | null; aheadMs: number }>()
  let victims: Victims | null = null
  let closed = false

  const later = (ms: number, work: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      if (!closed) work()
    }, ms)
    timers.add(timer)
  }

  function kill(environment: EnvironmentInfo, storm = false): void {
    if (environment.state === 'dead' || victims === null) return
    journal.killed(environment, storm)
    log(`chaos | kills ${environment.id}, ${environment.state}`, 'simulator')
    victims.kill(environment.id).catch(ignoreUnknown)
  }

  /** If it is still at that: what comes too late is not done. */
  function killLater(ms: number | null, id: string, stillApplies: () => boolean): void {
    if (ms === null) return
    later(ms, () => {
      const environment = victims?.list().find((one) => one.id === id)
      if (environment !== undefined && stillApplies()) kill(environment)
    })
  }

  function freeze({ id, state, pid }: EnvironmentInfo, ms: number, clock: ClockShift | null): void {
    if (victims === null || pid === null || !['frozen', 'idle', 'busy'].includes(state)) return
    // Who was stopped again would go on too early, and be said to have lost more than it did.
    if (journal.isHeld(id)) return
    const runs = state !== 'frozen'
    if (runs) {
      victims.freeze(id)
      later(ms, () => {
        journal.thawed(id)
        try {
          victims?.thaw(id)
        } catch (error) {
          ignoreUnknown(error)
        }
      })
    }
    const cut = connections.cut(pid)
    clocks.set(id, {
      next: clock ?? { offsetMs: 0, forMs: null },
      aheadMs: Math.max(0, clock?.offsetMs ?? 0),
    })
    journal.froze(id, runs ? ms : null, cut, clock?.offsetMs ?? 0)
    log(
      `chaos | freezes ${id}, ${state}${runs ? `, for ${Math.round(ms)} ms` : ''}, ${cut} connections cut`,
      'simulator',
    )
  }

  function perform(act: Act): void {
    const living = victims?.list().filter(({ state }) => state !== 'dead') ?? []
    if (act.kind === 'storm') {
      if (living.length === 0) return
      journal.stormed()
      for (const environment of living) kill(environment, true)
      return
    }
    const chosen = living[Math.floor(act.pick * living.length)]
    if (chosen === undefined) return
    if (act.kind === 'kill') kill(chosen)
    else freeze(chosen, act.ms, act.clock)
  }

  function follow(acts: Iterator<Act>): void {
    const { done, value } = acts.next()
    if (done === true) return
    // A timer cannot wait for longer, and nobody will.
    later(Math.min(Math.max(0, value.atMs - journal.nowMs()), 2 ** 31 - 1), () => {
      perform(value)
      follow(acts)
    })
  }

  function blameBucket(request: BucketRequest, fault: BucketFault): void {
    const environmentId = environmentIdOf(request.accessKeyId, victims?.list() ?? [])
    if (environmentId === null) return
    const write = request.method !== 'GET' && request.method !== 'HEAD'
    const atMs = journal.nowMs()
    journal.bucketFailed({ kind: 'bucket', environmentId, atMs, request: nameOf(request), write, fault })
  }

  return {
    seed,
    report: () => journal.report(),
    track: (server) => connections.track(server),
    observe: (id, functionName, accessKeyId) => ({
      variables: accessKeyId === localAccessKeyId ? { AWS_ACCESS_KEY_ID: accessKeyIdOf(id) } : {},
      starting() {
        journal.starting(id, functionName)
        clocks.delete(id)
        killLater(plan.killInStart(counts.start++), id, () => journal.isStarting(id))
      },
      started: () => journal.started(id),
      assigned: (requestId) => journal.assigned(id, requestId),
      deliver(requestId) {
        const ms = plan.killInInvocation(counts.invocation++)
        killLater(ms, id, () => journal.has(id, requestId))
        const clock = clocks.get(id)
        if (clock === undefined) return { aheadMs: 0 }
        const { next, aheadMs } = clock
        clock.next = null
        return next === null ? { aheadMs } : { aheadMs, clock: next }
      },
      streaming(requestId) {
        journal.streaming(id, requestId)
        killLater(plan.killInStream(counts.stream++), id, () => journal.has(id, requestId))
      },
      finished: (requestId) => journal.finished(id, requestId),
      ended() {
        clocks.delete(id)
        journal.ended(id)
      },
    }),
    bucketFaults: (others) => (request) => {
      const given = others?.(request) ?? null
      if (given !== null) {
        blameBucket(request, given)
        return given
      }
      if (closed || environmentIdOf(request.accessKeyId, victims?.list() ?? []) === null) return null
      const fault = plan.bucketFault(counts.bucket++)
      if (fault !== null) blameBucket(request, fault)
      return fault
    },
    bucketRefused(request, code) {
      if (code !== 'RequestTimeTooSkewed') return
      const environmentId = environmentIdOf(request.accessKeyId, victims?.list() ?? [])
      if (environmentId === null || !clocks.has(environmentId)) return
      journal.bucketFailed({ kind: 'clock', environmentId, atMs: journal.nowMs(), request: nameOf(request) })
    },
    bucketAheadMs(request) {
      const environmentId = environmentIdOf(request.accessKeyId, victims?.list() ?? [])
      return environmentId === null ? 0 : (clocks.get(environmentId)?.aheadMs ?? 0)
    },
    ...watchInvocations(journal),
    start(given) {
      victims = given
      for (const kind of ['kill', 'freeze', 'storm'] as const) follow(plan.acts(kind)[Symbol.iterator]())
    },
    close() {
      if (closed) return
      closed = true
      for (const timer of timers) clearTimeout(timer)
      for (const line of describeReport(journal.report())) log(line, 'simulator')
    },
  }
}

/** What it was about to befall has ended by itself. */
function ignoreUnknown(error: unknown): void {
  if (!(error instanceof LocalError) || error.code !== 'ENVIRONMENT_UNKNOWN') throw error
}

function nameOf({ method, bucket, key }: BucketRequest): string {
  return `${method} ${bucket ?? ''}/${key ?? ''}`
}
