import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '@thaw/testing'
import { type Operation, Violation } from './history.ts'
import { World } from './world.ts'

export interface Report {
  readonly seed: string
  /** The same for the same course of events. */
  readonly hash: string
  readonly steps: number
  readonly operations: number
  readonly transactions: number
  /** How many operations ended in which way. */
  readonly outcomes: Readonly<Record<string, number>>
  /** What went wrong; null for nothing. */
  readonly failure: string | null
  /** Every step, when it was asked for. */
  readonly trace: readonly string[]
}

export interface SimulateOptions {
  readonly trace?: boolean
  /** A bucket that breaks its promise, to see that the checker notices. */
  readonly ignoresConditions?: boolean
}

/** Runs the world of one seed to its end and judges what was seen in it. */
export async function simulate(seed: number | string, options: SimulateOptions = {}): Promise<Report> {
  const directory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'thaw-sim-'))
  const { trace = false, ignoresConditions = false } = options
  const world = new World(seededRandom(seed), directory, { trace, ignoresConditions })
  const { emitWarning } = process
  const { TMPDIR } = process.env
  process.env.TMPDIR = directory // operations make their copies there
  process.emitWarning = (warning: string | Error) => world.warned(String(warning))
  try {
    let failure: string | null = null
    try {
      await world.run()
    } catch (error) {
      failure =
        error instanceof Violation ? error.message : String(error instanceof Error ? error.stack : error)
    }
    const { scheduler, operations, bucket } = world
    const outcomes: Record<string, number> = {}
    for (const operation of operations) {
      const name = nameOf(operation)
      outcomes[name] = (outcomes[name] ?? 0) + 1
    }
    return {
      seed: String(seed),
      hash: scheduler.hash,
      steps: scheduler.steps,
      operations: operations.length,
      transactions: bucket.created.length,
      outcomes,
      failure,
      trace: scheduler.trace,
    }
  } finally {
    await world.clearAway()
    process.emitWarning = emitWarning
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
    rmSync(directory, { recursive: true, force: true })
    performance.clearMeasures()
  }
}

/** What became of it; what holds for a whole request, and what gave an old state back, under names of their own. */
function nameOf({ kind, outcome, error, gathered }: Operation): string {
  if (error !== null || outcome !== 'acknowledged') return error ?? outcome
  if (kind.startsWith('restore ')) return 'restored'
  return gathered ? 'acknowledged with its request' : outcome
}
