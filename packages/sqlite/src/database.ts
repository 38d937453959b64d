import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { answerOnce } from './answers.ts'
import { Chain } from './chain.ts'
import { type Clock, systemClock } from './clock.ts'
import { Committer } from './committer.ts'
import { isReadOnlyRefusal, mayOnlyRead } from './connection.ts'
import { type OwnedDirectory, ownDirectory } from './directory.ts'
import { DatabaseClosedError, NestedUseError, WriteBehindLostError } from './errors.ts'
import { Fairness } from './fairness.ts'
import { Follower } from './follower.ts'
import { guardLoneStatement, isVacuum } from './guards.ts'
import { lendReader } from './handles.ts'
import { BackgroundMaintenance } from './maintenance/background.ts'
import { durabilityOf, newDatabase, type OpenOptions } from './options.ts'
import type {
  AtomicOptions,
  Invocation,
  OpenTransaction,
  Reader,
  SqliteDatabase,
  StatementResult,
  Transaction,
  WriteBehindControl,
} from './types.ts'
import { openWriteBehind } from './write-behind/open.ts'
import { changedThresholds, DEFAULT_THRESHOLDS } from './write-behind/thresholds.ts'
import type { Persisted, PersistOptions, WriteBehind } from './write-behind/write-behind.ts'

const FENCE_WINDOW_MS = 5 * 60_000

/** What belongs to one request. */
interface Context {
  /** The moment it began, in the follower's order. */
  readonly begun: number
  readonly deadline: number
}

/** Ends an open transaction without a commit. */
const ROLLED_BACK = Symbol('rolled back')

/**
 * Opens the database that lives in `options.store`, bringing a copy of it to this machine. A store that holds none
 * gives an empty database, which comes to be in the store with its first transaction.
 *
 * How long that took is left as the performance measure `thaw:restore`.
 *
 * @throws RestoreError when an object of the chain is missing or damaged
 * @throws StoreError when the store cannot be reached or refuses
 */
export async function openSqlite(options: OpenOptions): Promise<SqliteDatabase> {
  const made = newDatabase(options)
  const durability = durabilityOf(options)
  const thresholds = changedThresholds(DEFAULT_THRESHOLDS, options.writeBehind ?? {})
  const clock = options.clock ?? systemClock
  const description = options.description ?? options.store.description
  const started = performance.now()
  const directory = ownDirectory(options.directory ?? tmpdir(), clock.now())
  try {
    const chain = new Chain(options.store, description)
    const writerId = options.writerId ?? randomBytes(8).readBigUInt64BE()
    const fairness = new Fairness(writerId)
    const follower = new Follower({
      store: options.store,
      chain,
      clock,
      directory: directory.path,
      description,
      newDatabase: made,
      fenceWindowMs: options.fenceWindowMs ?? FENCE_WINDOW_MS,
      readPatienceMs: options.readPatienceMs ?? 2_000,
      onForeignLink: ({ writerId }) => fairness.saw(writerId, clock.now()),
    })
    await follower.exclusive(() => follower.synchronise(null))
    performance.measure('thaw:restore', { start: started, detail: { description } })
    const maintenance = new BackgroundMaintenance(
      { store: options.store, description },
      options.maintainEvery,
    )
    const publishing = {
      onPublished: (txid: number) => maintenance.published(txid),
      store: options.store,
      chain,
      follower,
      clock,
      description,
      writerId,
      fenceWindowMs: options.fenceWindowMs ?? FENCE_WINDOW_MS,
    }
    const commitTimeoutMs = options.commitTimeoutMs ?? 30_000
    const behind =
      durability === 'write-behind'
        ? openWriteBehind({
            ...publishing,
            settings: { ...options.writeBehind, ...thresholds },
            persistTimeoutMs: commitTimeoutMs,
          })
        : null
    const committer =
      behind ??
      new Committer({ ...publishing, fairness, commitTimeoutMs, maxAttempts: options.maxAttempts ?? 100 })
    return new BucketDatabase(description, clock, follower, committer, behind, maintenance, directory)
  } catch (error) {
    directory.release()
    throw error
  }
}

class BucketDatabase implements SqliteDatabase {
  readonly description: string
  readonly #clock: Clock
  readonly #follower: Follower
  readonly #committer: Committer | WriteBehind
  /** The same, where it is one. */
  readonly #behind: WriteBehind | null
  readonly #maintenance: BackgroundMaintenance
  readonly #directory: OwnedDirectory
  readonly #context = new AsyncLocalStorage<Context>()
  #closed = false

  constructor(
    description: string,
    clock: Clock,
    follower: Follower,
    committer: Committer | WriteBehind,
    behind: WriteBehind | null,
    maintenance: BackgroundMaintenance,
    directory: OwnedDirectory,
  ) {
    this.description = description
    this.#clock = clock
    this.#follower = follower
    this.#committer = committer
    this.#behind = behind
    this.#maintenance = maintenance
    this.#directory = directory
  }

  get position(): number {
    return this.#follower.position.txid
  }

  get writeBehind(): WriteBehindControl | null {
    return this.#behind
  }

  async execute(sql: string, parameters: readonly unknown[] = []): Promise<StatementResult> {
    this.#check('execute')
    if (mayOnlyRead(sql)) {
      const stale = this.#fresh()
      if (stale) await stale
      try {
        return this.#follower.replica.reader.execute(sql, parameters)
      } catch (error) {
        if (!isReadOnlyRefusal(error)) throw error
      }
    }
    if (isVacuum(sql)) {
      if (this.#behind) await this.#fresh()
      await this.#committer.vacuum(this.#deadline())
      return { rows: [], changes: 0, lastInsertRowid: 0 }
    }
    guardLoneStatement(sql)
    return this.#submit((tx) => tx.execute(sql, parameters), true)
  }

  async read<T>(fn: (reader: Reader) => T | Promise<T>): Promise<T> {
    this.#check('read')
    await this.#fresh()
    const replica = this.#follower.replica
    const snapshot = replica.acquire()
    const { handle, end } = lendReader(snapshot)
    try {
      return await fn(handle)
    } finally {
      end()
      replica.release(snapshot)
      this.#follower.readerLeft()
    }
  }

  async atomic<T>(fn: (tx: Transaction) => T | Promise<T>, { key }: AtomicOptions = {}): Promise<T> {
    this.#check('atomic')
    if (key === undefined) return this.#submit(fn, true)
    return this.#submit((tx) => answerOnce(tx, key, this.#clock.now(), fn), true)
  }

  async begin(): Promise<OpenTransaction> {
    this.#check('begin')
    return new Promise((opened, failed) => {
      const done = this.#submit(
        (tx) =>
          new Promise<void>((commit, rollBack) => {
            opened({
              execute: (sql, parameters) => tx.execute(sql, parameters),
              commit: () => {
                commit()
                return done
              },
              rollback: () => {
                rollBack(ROLLED_BACK)
                return done.catch(() => undefined)
              },
            })
          }),
        false,
      )
      done.catch(failed)
    })
  }

  around<T>(invocation: Invocation, next: () => Promise<T>): Promise<T> {
    const context = { begun: this.#follower.tick(), deadline: invocation.deadline }
    const inContext = () => this.#context.run(context, next)
    return this.#behind ? this.#behind.around(invocation.deadline, inContext) : inContext()
  }

  async persist(options: PersistOptions = {}): Promise<Persisted | null> {
    this.#check('persist')
    return this.#behind?.persist(options, this.#deadline()) ?? null
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    try {
      await this.#committer.idle()
    } catch (error) {
      this.#closed = error instanceof WriteBehindLostError // there is nothing left to persist then
      if (!this.#closed) throw error
    }
    await this.#maintenance.idle()
    await this.#follower.exclusive(async () => this.#follower.close())
    this.#directory.release()
    const lost = this.#behind?.untold
    if (lost) throw lost
  }

  async #submit<T>(run: (tx: Transaction) => T | Promise<T>, repeatable: boolean): Promise<T> {
    if (this.#behind) await this.#fresh() // it cannot be run again on a newer state
    return this.#committer.submit({ run, repeatable, deadline: this.#deadline() })
  }

  #deadline(): number {
    return this.#context.getStore()?.deadline ?? Number.POSITIVE_INFINITY
  }

  /** Brings the copy to where a strong read wants it. */
  #fresh(): Promise<void> | null {
    if (this.#behind) return this.#behind.fresh(this.#context.getStore()?.begun ?? 0)
    const begun = this.#context.getStore()?.begun ?? this.#follower.tick()
    return this.#follower.isFresh(begun) ? null : this.#follower.freshSince(begun)
  }

  #check(operation: string): void {
    if (this.#closed) throw new DatabaseClosedError(this.description)
    if (this.#committer.isInside) {
      throw new NestedUseError(
        `${operation}() of ${this.description} was called inside one of its own transactions, which would wait for ` +
          'itself. Use the transaction that the function was given',
      )
    }
    this.#behind?.raiseLost()
  }
}
