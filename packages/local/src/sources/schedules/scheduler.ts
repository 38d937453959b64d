import { nextTime, type ScheduleFunction } from '@thaw/app'
import { type Clock, slept } from '../../clock.ts'

export interface SchedulerOptions {
  /** Runs a function whose time has come. */
  run(functionName: string, dueAtMs: number): void
  readonly clock: Clock
}

export interface Scheduler {
  /** Takes over what is to be run now. A schedule that is as it was goes on, its rate counted from its own start. */
  update(functions: readonly ScheduleFunction[]): void
  close(): void
}

/** A machine may sleep, and its clock be set: so often it is looked at what time it is. */
const lookMs = 60_000

/**
 * Runs functions at the times of their schedules, while this process runs: what was due while it did not, or while the
 * machine slept, is not made up for, save the last.
 */
export function createScheduler({ run, clock }: SchedulerOptions): Scheduler {
  const running = new Map<string, { readonly expression: string; readonly stop: AbortController }>()

  async function follow(name: string, expression: string, signal: AbortSignal): Promise<void> {
    const startMs = clock.now()
    let due = nextTime(expression, startMs, startMs)
    while (due !== null) {
      const left = due - clock.now()
      if (left > 0) {
        if (!(await slept(clock, Math.min(left, lookMs), signal))) return
        continue
      }
      run(name, due)
      due = nextTime(expression, Math.max(due, clock.now()), startMs)
    }
  }

  return {
    update(functions) {
      const wanted = new Map(functions.filter(({ enabled }) => enabled).map((fn) => [fn.name, fn.schedule]))
      for (const [name, { expression, stop }] of running) {
        if (wanted.get(name) === expression) continue
        running.delete(name)
        stop.abort()
      }
      for (const [name, expression] of wanted) {
        if (running.has(name)) continue
        const stop = new AbortController()
        running.set(name, { expression, stop })
        void follow(name, expression, stop.signal)
      }
    },
    close() {
      for (const { stop } of running.values()) stop.abort()
      running.clear()
    },
  }
}
