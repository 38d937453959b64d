import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { answerOnce } from './answers.ts'
import { type Bookmark, formatBookmark } from './bookmark.ts'
import { Chain } from './chain.ts'
import { type Clock, systemClock } from './clock.ts'
import { Committer } from './committer.ts'
import { isReadOnlyRefusal, mayOnlyRead } from './connection.ts'
import { type OwnedDirectory, ownDirectory } from './directory.ts'
import { DatabaseClosedError, NestedUseError } from './errors.ts'
import { Fairness } from './fairness.ts'
import { Follower } from './follower.ts'
import { type Wanted, wantedBy } from './freshness.ts'
import { guardLoneStatement, isVacuum } from './guards.ts'
import { lendReader } from './handles.ts'
import { BackgroundMaintenance } from './maintenance/background.ts'
import { keyLifetime, newDatabase, type OpenOptions } from './options.ts'
import { type Read, ReadGate } from './read-gate.ts'
import type {
  AroundOptions,
  AtomicOptions,
  Freshness,
  Invocation,
  OpenTransaction,
  Reader,
  ReadOptions,
  SqliteDatabase,
  StatementResult,
  Transaction,
} from './types.ts'

const FENCE_WINDOW_MS = 5 * 60_000

/** What holds where nothing else is said. */
interface Defaults {
  readonly wanted: Wanted
  readonly keyLifetimeMs: number
}

/** What belongs to one request. */
interface Context {
  /** The moment it began, in the follower's order. */
  readonly begun: number
  readonly deadline: number
  readonly wanted: Wanted
  /** What it has read and written so far; before that, the bookmark that it came with. */
  seen: Bookmark | null
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
  const defaults = { wanted: wantedBy(options.freshness ?? 'strong'), keyLifetimeMs: keyLifetime(options) }
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
    const committer = new Committer({
      onPublished: (txid) => maintenance.published(txid),
      store: options.store,
      chain,
      follower,
      fairness,
      clock,
      description,
      writerId,
      commitTimeoutMs: options.commitTimeoutMs ?? 30_000,
      maxAttempts: options.maxAttempts ?? 100,
      fenceWindowMs: options.fenceWindowMs ?? FENCE_WINDOW_MS,
    })
    return new BucketDatabase(description, clock, defaults, follower, committer, maintenance, directory)
  } catch (error) {
    directory.release()
    throw error
  }
}

class BucketDatabase implements SqliteDatabase {
  readonly description: string
  readonly #clock: Clock
  readonly #defaults: Defaults
  readonly #follower: Follower
  readonly #gate: ReadGate
  readonly #committer: Committer
  readonly #maintenance: BackgroundMaintenance
  readonly #directory: OwnedDirectory
  readonly #context = new AsyncLocalStorage<Context>()
  #closed = false

  constructor(
    description: string,
    clock: Clock,
    defaults: Defaults,
    follower: Follower,
    committer: Committer,
    maintenance: BackgroundMaintenance,
    directory: OwnedDirectory,
  ) {
    this.description = description
    this.#clock = clock
    this.#defaults = defaults
    this.#follower = follower
    this.#gate = new ReadGate(follower, description)
    this.#committer = committer
    this.#maintenance = maintenance
    this.#directory = directory
  }

  get position(): number {
    return this.#follower.position.txid
  }

  get bookmark(): string | null {
    const context = this.#context.getStore()
    const seen = context ? context.seen : this.#state
    return seen && formatBookmark(seen)
  }

  async execute(sql: string, parameters: readonly unknown[] = []): Promise<StatementResult> {
    this.#check('execute')
    if (mayOnlyRead(sql)) {
      const read = this.#reading()
      while (!this.#gate.isOpenTo(read)) await this.#gate.open(read)
      this.#saw()
      try {
        return this.#follower.replica.reader.execute(sql, parameters)
      } catch (error) {
        if (!isReadOnlyRefusal(error)) throw error
      }
    }
    if (isVacuum(sql)) {
      await this.#committer.vacuum(this.#deadline())
      this.#saw()
      return { rows: [], changes: 0, lastInsertRowid: 0 }
    }
    guardLoneStatement(sql)
    return this.#submit((tx) => tx.execute(sql, parameters), true)
  }

  async read<T>(fn: (reader: Reader) => T | Promise<T>, options: ReadOptions = {}): Promise<T> {
    this.#check('read')
    const read = this.#reading(options.freshness)
    while (!this.#gate.isOpenTo(read)) await this.#gate.open(read)
    this.#saw()
    const replica = this.#follower.replica
    const snapshot = replica.acquire()
    const { handle, end } = lendReader(snapshot)
    try {
      return await fn(handle)
    } finally {
      end()
      replica.release(snapshot)
      this.#follower.copy.readerLeft()
    }
  }

  async atomic<T>(fn: (tx: Transaction) => T | Promise<T>, { key }: AtomicOptions = {}): Promise<T> {
    this.#check('atomic')
    if (key === undefined) return this.#submit(fn, true)
    const call = { key, now: this.#clock.now(), lifetimeMs: this.#defaults.keyLifetimeMs }
    return this.#submit((tx) => answerOnce(tx, call, fn), true)
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

  async around<T>(
    invocation: Invocation,
    next: () => Promise<T>,
    { freshness }: AroundOptions = {},
  ): Promise<T> {
    const wanted = freshness === undefined ? this.#defaults.wanted : wantedBy(freshness)
    const { deadline } = invocation
    return this.#context.run({ begun: this.#follower.tick(), deadline, wanted, seen: wanted.bookmark }, next)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#committer.idle()
    await this.#maintenance.idle()
    await this.#follower.exclusive(async () => this.#follower.close())
    this.#directory.release()
  }

  async #submit<T>(run: (tx: Transaction) => T | Promise<T>, repeatable: boolean): Promise<T> {
    try {
      return await this.#committer.submit({ run, repeatable, deadline: this.#deadline() })
    } finally {
      this.#saw()
    }
  }

  #deadline(): number {
    return this.#context.getStore()?.deadline ?? Number.POSITIVE_INFINITY
  }

  #reading(freshness?: Freshness): Read {
    const context = this.#context.getStore()
    const wanted = freshness === undefined ? (context?.wanted ?? this.#defaults.wanted) : wantedBy(freshness)
    return { wanted, begun: wanted.strong && context ? context.begun : this.#follower.tick() }
  }

  /** The request has seen the state that the copy holds. */
  #saw(): void {
    const context = this.#context.getStore()
    if (context) context.seen = this.#state ?? context.seen
  }

  get #state(): Bookmark | null {
    const { identity, position } = this.#follower.copy
    return position.txid === 0 ? null : { identity, txid: position.txid }
  }

  #check(operation: string): void {
    if (this.#closed) throw new DatabaseClosedError(this.description)
    if (!this.#committer.isInside) return
    throw new NestedUseError(
      `${operation}() of ${this.description} was called inside one of its own transactions, which would wait for ` +
        'itself. Use the transaction that the function was given',
    )
  }
}
