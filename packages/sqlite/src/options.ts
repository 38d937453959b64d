import type { ObjectStore } from '@thaw/store'
import type { Clock } from './clock.ts'

export interface OpenOptions {
  /** Where the database lives, and nothing else: a bucket scoped to the database's prefix, or a folder. */
  readonly store: ObjectStore
  /** Names the database in messages; the store's own description when absent. */
  readonly description?: string
  /** Where local copies are kept, each in a directory of its own; the system's temporary directory when absent. */
  readonly directory?: string
  readonly clock?: Clock
  /** Identifies this writer in what it writes: 64 random bits. */
  readonly writerId?: bigint
  /** How long a commit whose fate is unknown is pursued, ms; 30,000 when absent, and never past the invocation's deadline. */
  readonly commitTimeoutMs?: number
  /** How often a transaction is run before it ends in `ConflictError`; 100 when absent. */
  readonly maxAttempts?: number
  /** For how long after the head was proven a PUT may be sent, ms; 300,000 when absent. */
  readonly fenceWindowMs?: number
  /** How long a multi-statement read may hold up newer transactions, ms; 2,000 when absent. */
  readonly readPatienceMs?: number
}
