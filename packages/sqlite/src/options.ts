import { isPageSize } from '@thaw/ltx'
import type { ObjectStore } from '@thaw/store'
import { DEFAULT_KEY_LIFETIME_MS } from './answers.ts'
import type { Clock } from './clock.ts'
import { type PersistError, SqliteStoreError, type WriteBehindLostError } from './errors.ts'
import type { Freshness } from './types.ts'
import type { SetTimer } from './write-behind/schedule.ts'
import type { Thresholds } from './write-behind/thresholds.ts'

/** What can be chosen only while a database comes to be. Of no effect on one that is there. */
export interface NewDatabase {
  /** Bytes a page, a power of two from 512 to 65,536; 4,096 when absent. */
  readonly pageSize?: number
  /** Whether free pages are given back: at every commit, when `PRAGMA incremental_vacuum` asks, or (when absent) never. */
  readonly autoVacuum?: 'full' | 'incremental'
}

/**
/**
 * When what was written is durable: `commit`, as soon as it is acknowledged; `invocation`, when the `around` that it was
 * written in resolves, which gathers all of it into one object; `write-behind`, some time after it was acknowledged, so
 * that a process that dies takes what it has not persisted with it. Write-behind is for one writer only.
 */
export type Durability = 'commit' | 'invocation' | 'write-behind'

const DURABILITIES: readonly string[] = ['commit', 'invocation', 'write-behind'] satisfies Durability[]

/** When and how write-behind persists. */
export interface WriteBehindSettings extends Partial<Thresholds> {
  /** Told of a persist in the background that failed, or found writes to be lost; a process warning when absent. */
  readonly onPersistError?: (error: PersistError | WriteBehindLostError) => void
  /** Wakes the interval; a timer that does not keep the process alive when absent. */
  readonly setTimer?: SetTimer
  /** Past this size of its log, bytes, a copy holds writers back during a persist to fold it; 64 MiB when absent. */
  readonly largestLogBytes?: number
}

export interface OpenOptions extends NewDatabase {
  /** Where the database lives, and nothing else: a bucket scoped to the database's prefix, or a folder. */
  readonly store: ObjectStore
  /** Names the database in messages; the store's own description when absent. */
  readonly description?: string
  /** Where local copies are kept, each in a directory of its own; the system's temporary directory when absent. */
  readonly directory?: string
  /** `commit` when absent. */
  readonly durability?: Durability | undefined
  /** Of effect with `durability: 'write-behind'`: after 10 writes, and 300,000 ms after the last persist, when absent. */
  readonly writeBehind?: WriteBehindSettings
  readonly clock?: Clock
  /** How new reads are where neither they nor their request say; `strong` when absent. */
  readonly freshness?: Freshness | undefined
  /**
   * For how long a key of `atomic` is remembered, ms; 15 days when absent, longer than Amazon SQS keeps a message. All
   * who open a database should say the same.
   */
  readonly keyLifetimeMs?: number | undefined
  /** Identifies this writer in what it writes: 64 random bits. */
  readonly writerId?: bigint
  /** How long a commit whose fate is unknown is pursued, ms; 30,000 when absent, and never past the invocation's deadline. */
  readonly commitTimeoutMs?: number
  /** How often a transaction is run before it ends in `ConflictError`; 100 when absent. */
  readonly maxAttempts?: number
  /**
   * How long the function of a transaction may run, during which all others of this process wait, ms; 30,000 when
   * absent, and never past the invocation's deadline.
   */
  readonly transactionTimeoutMs?: number
  /** For how long after the head was proven a PUT may be sent, ms; 300,000 when absent. */
  readonly fenceWindowMs?: number
  /**
   * Whoever writes a transaction whose number is a multiple of this compacts what has gathered, in the background;
   * 256 when absent, never when 0. `maintain` on a schedule does the rest.
   */
  readonly maintainEvery?: number
  /** How long a multi-statement read may hold up newer transactions, ms; 2,000 when absent. */
  readonly readPatienceMs?: number
}

/**
 * @returns ms
 * @throws SqliteStoreError `BAD_OPTION`
 */
export function keyLifetime({ keyLifetimeMs = DEFAULT_KEY_LIFETIME_MS }: OpenOptions): number {
  if (keyLifetimeMs > 0) return keyLifetimeMs
  throw new SqliteStoreError('BAD_OPTION', `keyLifetimeMs is ${keyLifetimeMs}: it has to be more than 0 ms`)
}

/** @throws SqliteStoreError `BAD_OPTION` */
export function newDatabase({ pageSize, autoVacuum }: OpenOptions): NewDatabase {
  if (pageSize !== undefined && !isPageSize(pageSize)) {
    throw new SqliteStoreError(
      'BAD_OPTION',
      `pageSize is ${pageSize}: it has to be a power of two from 512 to 65536`,
    )
  }
  return {
    ...(pageSize === undefined ? {} : { pageSize }),
    ...(autoVacuum === undefined ? {} : { autoVacuum }),
  }
}

/** @throws SqliteStoreError `BAD_OPTION` */
export function durabilityOf({ durability = 'commit' }: OpenOptions): Durability {
  if (DURABILITIES.includes(durability)) return durability
  throw new SqliteStoreError(
    'BAD_OPTION',
    `durability is '${durability}': it has to be one of ${DURABILITIES.join(', ')}`,
  )
}
