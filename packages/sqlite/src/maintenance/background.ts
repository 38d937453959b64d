import type { Source } from '../ltx-file.ts'
import { maintain } from './maintain.ts'

const EVERY = 256

/**
 * Compacts in the background of a writer. It deletes nothing, and may be frozen or killed at any point: what it makes
 * depends only on what it is made of.
 */
export class BackgroundMaintenance {
  readonly #source: Source
  readonly #every: number
  #running: Promise<void> | null = null

  /** @param every how many transactions apart; 256 when absent, never when 0 */
  constructor(source: Source, every = EVERY) {
    this.#source = source
    this.#every = every
  }

  /** Tells of a transaction that this process has published. */
  published(txid: number): void {
    if (this.#every === 0 || txid % this.#every !== 0) return
    this.#running ??= this.#run().finally(() => {
      this.#running = null
    })
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#running
  }

  /** A failure costs nothing but time: the next run has the same work before it. So it warns, and no commit fails. */
  async #run(): Promise<void> {
    try {
      // Half, because the last run may have taken along what was published while it looked.
      const policy = { compactAtFiles: Math.ceil(this.#every / 2) }
      await maintain(this.#source, { deleteExpired: false, policy })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      process.emitWarning(`maintenance of ${this.#source.description} failed: ${reason}`, {
        type: 'ThawWarning',
        code: 'MAINTENANCE_FAILED',
      })
    }
  }
}
