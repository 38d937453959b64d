import { readFileSync } from 'node:fs'

/** What is known of the memory of a process and of those it started. */
export interface MemoryMeter {
  /** The most resident memory as of the last look, in MB; null when the system has never told. */
  peakMb(): number | null
  /** Looks, unless it has within `withinMs`. Not after the process has ended: its id may be another's then. */
  look(withinMs?: number): void
}

/**
 * Measures by `/proc` (Linux); elsewhere it knows nothing. The kernel keeps the peak of the process itself, so
 * that no look is too late for it; what it started counts as it is at a look, and so do `others` with theirs.
 */
export function measureMemory(pid: number, others: () => readonly number[] = () => []): MemoryMeter {
  let peakKb = 0
  let lookedAt = Number.NEGATIVE_INFINITY
  return {
    look(withinMs = 0) {
      const now = performance.now()
      if (now - lookedAt < withinMs) return
      lookedAt = now
      const { peak, resident } = memoryOf(pid)
      const beside = others().flatMap((other) => [other, ...descendants(other)])
      const rest = [...descendants(pid), ...beside].reduce((sum, one) => sum + memoryOf(one).resident, 0)
      peakKb = Math.max(peakKb, peak, resident + rest)
    },
    peakMb: () => (peakKb === 0 ? null : Math.ceil(peakKb / 1024)),
  }
}

/** In KiB; 0 for what is gone. */
function memoryOf(pid: number): { readonly peak: number; readonly resident: number } {
  const status = read(`/proc/${pid}/status`)
  const kb = (pattern: RegExp) => Number(pattern.exec(status)?.[1] ?? 0)
  return { peak: kb(/^VmHWM:\s+(\d+) kB$/m), resident: kb(/^VmRSS:\s+(\d+) kB$/m) }
}

/** Only what a process's first thread has started, which is what Node starts processes with. */
export function descendants(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).trim()
  if (children === '') return []
  return children.split(' ').flatMap((child) => [Number(child), ...descendants(Number(child))])
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
