/** A clock that moves only when it is told to. All its functions work unbound. */
export interface ManualClock {
  /** In ms since the epoch. */
  now(): number
  /** Resolves when the clock has been advanced by so much; rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Passes time. What is due wakes in order, each after what the one before set off has come to rest. */
  advance(ms: number): Promise<void>
  /** The wall clock moves, also backwards, and nobody wakes: a freeze, or a clock that was set. */
  jump(ms: number): void
  /** How many sleep. */
  readonly sleeping: number
}

interface Sleeper {
  /** By the time that `advance` has passed, which a jump does not touch. */
  readonly due: number
  wake(): void
}

/** `start` is in ms since the epoch; by default 2026-01-01T00:00:00Z. */
export function manualClock(start: number = Date.UTC(2026, 0, 1)): ManualClock {
  let wall = start
  let passed = 0
  const sleepers = new Set<Sleeper>()

  function next(until: number): Sleeper | undefined {
    let first: Sleeper | undefined
    for (const sleeper of sleepers)
      if (sleeper.due <= until && (!first || sleeper.due < first.due)) first = sleeper
    return first
  }

  return {
    now: () => wall,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const end = () => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', abort)
        }
        const abort = () => {
          end()
          reject(signal?.reason)
        }
        const sleeper: Sleeper = {
          due: passed + Math.max(0, ms),
          wake() {
            end()
            resolve()
          },
        }
        signal?.addEventListener('abort', abort)
        sleepers.add(sleeper)
      })
    },
    async advance(ms) {
      const until = passed + ms
      await rest()
      for (let sleeper = next(until); sleeper; sleeper = next(until)) {
        wall += sleeper.due - passed
        passed = sleeper.due
        sleeper.wake()
        await rest()
      }
      wall += until - passed
      passed = until
    },
    jump(ms) {
      wall += ms
    },
    get sleeping() {
      return sleepers.size
    },
  }
}

/** Lets everything run that is ready to: a macrotask comes after all promises have settled. */
function rest(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
