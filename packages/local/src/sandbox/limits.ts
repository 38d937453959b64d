import type { MemoryMeter } from './memory.ts'
import type { TemporaryStorage } from './temporary.ts'

export interface WatchedLimits {
  readonly memory: MemoryMeter
  readonly memoryMb: number
  readonly temporary: TemporaryStorage
  readonly temporaryMb: number
  /** A frozen process changes nothing: it is not looked at, except once after it was frozen. */
  isFrozen(): boolean
  /** Called at most once. */
  onOver(what: 'memory' | 'temporary'): void
}

const memoryEveryMs = 100
const temporaryEveryMs = 500

/**
 * Looks now and then whether a process is over a limit that nothing else enforces: its memory, and its `/tmp` where
 * that is a mere folder. Returns what ends it.
 */
export function watchLimits(limits: WatchedLimits): () => void {
  let seenFrozen = false
  let counting = false
  let stopped = false
  const stop = () => {
    stopped = true
    clearInterval(memoryTimer)
    clearInterval(temporaryTimer)
  }
  const report = (what: 'memory' | 'temporary') => {
    if (stopped) return
    stop()
    limits.onOver(what)
  }
  const memoryTimer = setInterval(() => {
    const frozen = limits.isFrozen()
    if (frozen && seenFrozen) return
    seenFrozen = frozen
    limits.memory.look()
    if ((limits.memory.peakMb() ?? 0) > limits.memoryMb) report('memory')
  }, memoryEveryMs)
  const temporaryTimer =
    limits.temporary.isolation === 'folder'
      ? setInterval(async () => {
          if (counting || limits.isFrozen()) return
          counting = true
          const bytes = await limits.temporary.usedBytes().finally(() => {
            counting = false
          })
          if (bytes !== null && bytes > limits.temporaryMb * 1024 * 1024) report('temporary')
        }, temporaryEveryMs)
      : undefined
  return stop
}
