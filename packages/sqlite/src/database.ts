import { AsyncLocalStorage } from 'node:async_hooks'
import { answerOnce } from './answers.ts'
import { type Bookmark, formatBookmark } from './bookmark.ts'
import type { Clock } from './clock.ts'
import type { Committer } from './committer.ts'
import { type Connection, isReadOnlyRefusal, mayOnlyRead } from './connection.ts'
import type { OwnedDirectory } from './directory.ts'
import { DatabaseClosedError, NestedUseError, WriteBehindLostError } from './errors.ts'
import type { Follower } from './follower.ts'
import { type Wanted, wantedBy } from './freshness.ts'
import { Gathering } from './gathering.ts'
import { guardLoneStatement, isVacuum } from './guards.ts'
import { lendReader } from './handles.ts'
import type { BackgroundMaintenance } from './maintenance/background.ts'
import { openTransaction } from './open-transaction.ts'
import type { Durability } from './options.ts'
import { type Read, ReadGate } from './read-gate.ts'
import type { LoneStatement, Runner, Work } from './runner.ts'
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
  WriteBehindControl,
} from './types.ts'
import type { Persisted, PersistOptions, WriteBehind } from './write-behind/write-behind.ts'

/** What a database is made of. */
export interface Parts {
  readonly description: string
  readonly clock: Clock
  readonly durability: Durability
  /** What reads want where nothing else is said. */
  readonly wanted: Wanted
  readonly keyLifetimeMs: number
  readonly follower: Follower
  readonly runner: Runner
  readonly committer: Committer
  /** What takes the place of the committer; null but for write-behind. */
  readonly behind: WriteBehind | null
  readonly maintenance: BackgroundMaintenance
  readonly directory: OwnedDirectory
}

/** What belongs to one request. */
interface Context {
  /** The moment it began, in the follower's order. */
  readonly begun: number
  readonly deadline: number
  readonly wanted: Wanted
  /** What it has read and written so far; before that, the bookmark that it came with. */
  seen: Bookmark | null
  /** Where what it writes comes together; null when each transaction is published by itself. */
  readonly gathering: Gathering | null
}

/** The face of an open database: who asks, in which request, and whom that concerns. */
export class BucketDatabase implements SqliteDatabase {
  readonly description: string
  readonly #parts: Parts
  readonly #gate: ReadGate
  readonly #context = new AsyncLocalStorage<Context>()
  #closed = false

  constructor(parts: Parts) {
    this.description = parts.description
    this.#parts = parts
    this.#gate = new ReadGate(parts.follower, parts.description)
  }

  get position(): number {
    return this.#parts.follower.position.txid
  }

  get writeBehind(): WriteBehindControl | null {
    return this.#parts.behind
  }

  get bookmark(): string | null {
    const context = this.#context.getStore()
    const seen = context ? (this.#gathered ?? context.seen) : this.#state
    return seen && formatBookmark(seen)
  }

  async execute(sql: string, parameters: readonly unknown[] = []): Promise<StatementResult> {
    this.#check('execute')
    if (mayOnlyRead(sql)) {
      const read = this.#reading()
      while (!this.#isOpenTo(read)) await this.#open(read)
      this.#saw()
      const run = (reader: Connection) => reader.execute(sql, parameters)
      try {
        const own = this.#openGathering
        return (own && (await own.read(read, run))) ?? run(this.#parts.follower.replica.reader)
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

  async read<T>(fn: (reader: Reader) => T | Promise<T>, options: ReadOptions = {}): Promise<T> {
    this.#check('read')
    const { follower } = this.#parts
    const read = this.#reading(options.freshness)
    while (!this.#isOpenTo(read)) await this.#open(read)
    this.#saw()
    const own = this.#openGathering
    const unpublished = own && (await own.snapshot(read))
    const { replica } = follower
    const snapshot = unpublished ?? replica.acquire()
    const { handle, end } = lendReader(snapshot)
    try {
      return await fn(handle)
    } finally {
      end()
      replica.release(snapshot)
      follower.copy.readerLeft()
    }
  }

  async atomic<T>(fn: (tx: Transaction) => T | Promise<T>, { key }: AtomicOptions = {}): Promise<T> {
    this.#check('atomic')
    if (key === undefined) return this.#transaction(fn, true)
    const { clock, keyLifetimeMs: lifetimeMs } = this.#parts
    const call = { key, now: clock.now(), lifetimeMs }
    return this.#transaction((tx) => answerOnce(tx, call, fn), true)
  }

  async begin(): Promise<OpenTransaction> {
    this.#check('begin')
    return openTransaction((fn) => this.#transaction(fn, false))
  }

  async around<T>(
    invocation: Invocation,
    next: () => Promise<T>,
    { freshness }: AroundOptions = {},
  ): Promise<T> {
    const wanted = freshness === undefined ? this.#parts.wanted : wantedBy(freshness)
    if (this.#gathering) return next()
    const begun = this.#parts.follower.tick()
    const { deadline } = invocation
    const gathering = this.#parts.durability === 'invocation' ? this.#newGathering(begun, deadline) : null
    const context: Context = { begun, deadline, wanted, seen: wanted.bookmark, gathering }
    const inContext = () => this.#context.run(context, next)
    if (this.#parts.behind) return this.#parts.behind.around(deadline, inContext)
    try {
      return await inContext()
    } finally {
      // Before its end is told, be it a result or an error. What goes wrong with that takes its place.
      await gathering?.end()
      if (gathering?.hasPublished) context.seen = this.#state
    }
  }

  async persist(options: PersistOptions = {}): Promise<Persisted | null> {
    this.#check('persist')
    return this.#parts.behind?.persist(options, this.#deadline) ?? null
  }

  async close(): Promise<void> {
    if (this.#closed) return
    if (this.#openGathering) {
      throw new NestedUseError(
        `close() of ${this.description} was called inside an invocation that has written something, for whose end it ` +
          'would wait. Close the database after it',
      )
    }
    this.#closed = true
    const { committer, behind, maintenance, follower, directory } = this.#parts
    try {
      await (behind ?? committer).idle()
    } catch (error) {
      this.#closed = error instanceof WriteBehindLostError // there is nothing left to persist then
      if (!this.#closed) throw error
    }
    await maintenance.idle()
    await follower.exclusive(async () => follower.close())
    directory.release()
    const lost = behind?.untold
    if (lost) throw lost
  }

  #newGathering(begun: number, deadline: number): Gathering {
    const { description, clock, follower, runner, committer } = this.#parts
    return new Gathering({
      description,
      clock,
      follower,
      gate: this.#gate,
      runner,
      begun,
      deadline,
      submit: (work, gathering) => committer.submit(work, gathering),
    })
  }

  #transaction<T>(run: (tx: Transaction) => T | Promise<T>, repeatable: boolean): Promise<T> {
    return this.#submit({ run, repeatable, deadline: this.#deadline })
  }

  async #submit<T>(work: Work<T> | LoneStatement): Promise<T> {
    const { behind, committer } = this.#parts
    try {
      if (behind) {
        const head = this.#reading('strong') // it cannot be run again on a newer state
        while (!this.#isOpenTo(head)) await this.#open(head)
      }
      return await (behind ?? this.#gathering ?? committer).submit<T>(work)
    } finally {
      this.#saw()
    }
  }

  /** Where what the caller writes comes together; null outside of invocations, after their end, and where none does. */
  get #gathering(): Gathering | null {
    const gathering = this.#context.getStore()?.gathering
    return gathering && !gathering.hasEnded ? gathering : null
  }

  /** The same once something was written: what the caller reads is there too. */
  get #openGathering(): Gathering | null {
    const gathering = this.#gathering
    return gathering?.isOpen ? gathering : null
  }

  /** The state that what the caller has written will be: nobody else brings the copy further before it is settled. */
  get #gathered(): Bookmark | null {
    const { identity, position } = this.#parts.follower.copy
    const gathering = this.#openGathering
    return gathering && !gathering.failure ? { identity, txid: position.txid + 1 } : null
  }

  get #deadline(): number {
    return this.#context.getStore()?.deadline ?? Number.POSITIVE_INFINITY
  }

  #reading(freshness?: Freshness): Read {
    const { behind, follower, wanted: byDefault } = this.#parts
    const context = this.#context.getStore()
    const wanted = freshness === undefined ? (context?.wanted ?? byDefault) : wantedBy(freshness)
    if (!wanted.strong && !wanted.orStrong) return { wanted, begun: follower.tick() }
    // This process is the only writer then: outside of any request there is nothing to be fresh for.
    if (behind && wanted.strong) return { wanted, begun: behind.freshFor(context?.begun ?? 0) }
    return { wanted, begun: context?.begun ?? follower.tick() }
  }

  /** Whether a read may begin now, and nothing must be awaited in between. An open gathering sees to the rest by itself. */
  #isOpenTo(read: Read): boolean {
    return this.#openGathering !== null || this.#gate.isOpenTo(read)
  }

  /** Does the next thing that a read waits for. */
  async #open(read: Read): Promise<void> {
    const { behind } = this.#parts
    if (behind) {
      await behind.freshSince(read.begun)
      return this.#gate.requireHeld(read)
    }
    const gathering = this.#gathering
    // What this invocation writes meanwhile may hold up what would be waited for.
    await Promise.race([this.#gate.open(read), ...(gathering ? [gathering.opened] : [])])
  }

  /** The request has seen the state that the copy holds. */
  #saw(): void {
    const context = this.#context.getStore()
    if (context) context.seen = this.#state ?? context.seen
  }

  get #state(): Bookmark | null {
    const { identity, position } = this.#parts.follower.copy
    return position.txid === 0 ? null : { identity, txid: position.txid }
  }

  #check(operation: string): void {
    if (this.#closed) throw new DatabaseClosedError(this.description)
    if (this.#parts.runner.isInside) {
      throw new NestedUseError(
        `${operation}() of ${this.description} was called inside one of its own transactions, which would wait for ` +
          'itself. Use the transaction that the function was given',
      )
    }
    this.#parts.behind?.raiseLost()
  }
}
