import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { answerOnce } from './answers.ts'
import { Chain } from './chain.ts'
import { type Clock, systemClock } from './clock.ts'
import { Committer } from './committer.ts'
import { type Connection, isReadOnlyRefusal, mayOnlyRead } from './connection.ts'
import { type OwnedDirectory, ownDirectory } from './directory.ts'
import { DatabaseClosedError, NestedUseError } from './errors.ts'
import { Fairness } from './fairness.ts'
import { Follower } from './follower.ts'
import { Gathering } from './gathering.ts'
import { guardLoneStatement, isVacuum } from './guards.ts'
import { lendReader } from './handles.ts'
import { BackgroundMaintenance } from './maintenance/background.ts'
import { type Durability, durabilityOf, newDatabase, type OpenOptions } from './options.ts'
import { Publisher } from './publisher.ts'
import { type LoneStatement, Runner, type Work } from './runner.ts'
import type {
  AtomicOptions,
  Invocation,
  OpenTransaction,
  Reader,
  SqliteDatabase,
  StatementResult,
  Transaction,
} from './types.ts'

const FENCE_WINDOW_MS = 5 * 60_000

/** What belongs to one request. */
interface Context {
  /** The moment it began, in the follower's order. */
  readonly begun: number
  readonly deadline: number
  /** Where what it writes comes together; null when each transaction is published by itself. */
  readonly gathering: Gathering | null
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
  const clock = options.clock ?? systemClock
  const description = options.description ?? options.store.description
  const started = performance.now()
  const directory = ownDirectory(options.directory ?? tmpdir(), clock.now())
  try {
    const chain = new Chain(options.store, description)
    const writerId = options.writerId ?? randomBytes(8).readBigUInt64BE()
    const fairness = new Fairness()
    const follower = new Follower({
      store: options.store,
      chain,
      clock,
      directory: directory.path,
      description,
      newDatabase: made,
      fenceWindowMs: options.fenceWindowMs ?? FENCE_WINDOW_MS,
      readPatienceMs: options.readPatienceMs ?? 2_000,
      onForeignLink: (link) => fairness.saw(link, clock.now()),
    })
    await follower.exclusive(() => follower.synchronise(null))
    performance.measure('thaw:restore', { start: started, detail: { description } })
    const maintenance = new BackgroundMaintenance(
      { store: options.store, description },
      options.maintainEvery,
    )
    const publisher = new Publisher({
      store: options.store,
      chain,
      follower,
      fairness,
      clock,
      description,
      writerId,
      commitTimeoutMs: options.commitTimeoutMs ?? 30_000,
      fenceWindowMs: options.fenceWindowMs ?? FENCE_WINDOW_MS,
      onPublished: (txid) => maintenance.published(txid),
    })
    const runner = new Runner({
      clock,
      description,
      transactionTimeoutMs: options.transactionTimeoutMs ?? 30_000,
    })
    const committer = new Committer({
      follower,
      fairness,
      publisher,
      runner,
      clock,
      description,
      maxAttempts: options.maxAttempts ?? 100,
    })
    return new BucketDatabase({
      description,
      clock,
      durability,
      follower,
      runner,
      committer,
      maintenance,
      directory,
    })
  } catch (error) {
    directory.release()
    throw error
  }
}

/** What a database is made of. */
interface Parts {
  readonly description: string
  readonly clock: Clock
  readonly durability: Durability
  readonly follower: Follower
  readonly runner: Runner
  readonly committer: Committer
  readonly maintenance: BackgroundMaintenance
  readonly directory: OwnedDirectory
}

class BucketDatabase implements SqliteDatabase {
  readonly description: string
  readonly #parts: Parts
  readonly #context = new AsyncLocalStorage<Context>()
  #closed = false

  constructor(parts: Parts) {
    this.description = parts.description
    this.#parts = parts
  }

  get position(): number {
    return this.#parts.follower.position.txid
  }

  async execute(sql: string, parameters: readonly unknown[] = []): Promise<StatementResult> {
    this.#check('execute')
    if (mayOnlyRead(sql)) {
      try {
        const own = await this.#fresh()
        const run = (reader: Connection) => reader.execute(sql, parameters)
        return (await own?.read(run)) ?? run(this.#parts.follower.replica.reader)
      } catch (error) {
        if (!isReadOnlyRefusal(error)) throw error
      }
    }
    if (isVacuum(sql)) {
      await this.#submit({ statement: 'VACUUM', repeatable: true, deadline: this.#deadline })
      return { rows: [], changes: 0, lastInsertRowid: 0 }
    }
    guardLoneStatement(sql)
    return this.#transaction((tx) => tx.execute(sql, parameters), true)
  }

  async read<T>(fn: (reader: Reader) => T | Promise<T>): Promise<T> {
    this.#check('read')
    const { follower } = this.#parts
    const own = await this.#fresh()
    const unpublished = await own?.snapshot()
    const { replica } = follower
    const snapshot = unpublished ?? replica.acquire()
    const { handle, end } = lendReader(snapshot)
    try {
      return await fn(handle)
    } finally {
      end()
      replica.release(snapshot)
      follower.readerLeft()
    }
  }

  async atomic<T>(fn: (tx: Transaction) => T | Promise<T>, { key }: AtomicOptions = {}): Promise<T> {
    this.#check('atomic')
    if (key === undefined) return this.#transaction(fn, true)
    return this.#transaction((tx) => answerOnce(tx, key, this.#parts.clock.now(), fn), true)
  }

  async begin(): Promise<OpenTransaction> {
    this.#check('begin')
    return new Promise((opened, failed) => {
      const done = this.#transaction(
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
    const begun = this.#parts.follower.tick()
    const { deadline } = invocation
    if (this.#parts.durability === 'commit')
      return this.#context.run({ begun, deadline, gathering: null }, next)
    return this.#gathering ? next() : this.#gather(begun, deadline, next)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    if (this.#gathering?.isOpen) {
      throw new NestedUseError(
        `close() of ${this.description} was called inside an invocation that has written something, for whose end it ` +
          'would wait. Close the database after it',
      )
    }
    this.#closed = true
    const { committer, maintenance, follower, directory } = this.#parts
    await committer.idle()
    await maintenance.idle()
    await follower.exclusive(async () => follower.close())
    directory.release()
  }

  /** Has all that `next` writes published together before its end is told, be it a result or an error. */
  async #gather<T>(begun: number, deadline: number, next: () => Promise<T>): Promise<T> {
    const { description, clock, follower, runner, committer } = this.#parts
    const gathering = new Gathering({
      description,
      clock,
      follower,
      runner,
      begun,
      deadline,
      submit: (work, gathering) => committer.submit(work, gathering),
    })
    let result: T
    try {
      result = await this.#context.run({ begun, deadline, gathering }, next)
    } catch (error) {
      await gathering.end()
      throw error
    }
    await gathering.end()
    return result
  }

  #transaction<T>(run: (tx: Transaction) => T | Promise<T>, repeatable: boolean): Promise<T> {
    return this.#submit({ run, repeatable, deadline: this.#deadline })
  }

  #submit<T>(work: Work<T> | LoneStatement): Promise<T> {
    return (this.#gathering ?? this.#parts.committer).submit(work)
  }

  /** Where what the caller writes comes together; null outside of invocations, after their end, and where none does. */
  get #gathering(): Gathering | null {
    const gathering = this.#context.getStore()?.gathering
    return gathering && !gathering.hasEnded ? gathering : null
  }

  get #deadline(): number {
    return this.#context.getStore()?.deadline ?? Number.POSITIVE_INFINITY
  }

  /**
   * Brings the copy to where a strong read wants it.
   * @returns where to read instead when the invocation has written something: that sees to the rest by itself
   */
  async #fresh(): Promise<Gathering | null> {
    const { follower } = this.#parts
    const gathering = this.#gathering
    if (gathering?.isOpen) return gathering
    const begun = this.#context.getStore()?.begun ?? follower.tick()
    if (follower.isFresh(begun)) return null
    // What this invocation writes meanwhile may hold up what would be waited for.
    await Promise.race([follower.freshSince(begun), ...(gathering ? [gathering.opened] : [])])
    return gathering?.isOpen ? gathering : null
  }

  #check(operation: string): void {
    if (this.#closed) throw new DatabaseClosedError(this.description)
    if (!this.#parts.runner.isInside) return
    throw new NestedUseError(
      `${operation}() of ${this.description} was called inside one of its own transactions, which would wait for ` +
        'itself. Use the transaction that the function was given',
    )
  }
}
