import { after, type Clock } from './clock.ts'
import type { Connection } from './connection.ts'
import { ConflictError, TransactionTimeoutError } from './errors.ts'
import type { Follower } from './follower.ts'
import { STRONG } from './freshness.ts'
import { Mutex } from './mutex.ts'
import type { Read, ReadGate } from './read-gate.ts'
import type { Replica, Snapshot } from './replica.ts'
import type { LoneStatement, Runner, Work } from './runner.ts'

/** A proof of the head that is older than this is not built upon without a look: a conflict costs the whole request. */
const RECENT_MS = 1_000

export interface GatheringOptions {
  readonly description: string
  readonly clock: Clock
  readonly follower: Follower
  readonly gate: ReadGate
  readonly runner: Runner
  /** Has a transaction run as one that belongs to no invocation, unless it writes: then it opens this gathering. */
  readonly submit: <T>(work: Work<T> | LoneStatement, gathering: Gathering) => Promise<T>
  /** The moment the invocation began, in the follower's order. */
  readonly begun: number
  /** When it has to be answered, wall clock, ms. */
  readonly deadline: number
}

/**
 * What one invocation writes, on its way to become one object.
 *
 * Nothing is gathered before a transaction has written something: until then each is an ordinary one. The batch of the
 * first one that writes stays open until the invocation ends. Meanwhile further ones run in it one after the other,
 * reads of the invocation see them, and nobody else does; other writers of this process wait.
 */
export class Gathering {
  readonly #options: GatheringOptions
  /** One transaction at a time; the first of them opens the gathering, the others find it open. */
  readonly #turn = new Mutex()
  readonly #opened = Promise.withResolvers<void>()
  readonly #settled = Promise.withResolvers<void>()
  readonly #closed = Promise.withResolvers<void>()
  #replica: Replica | null = null
  #reader: Connection | null = null
  #cancelDeadline = () => {}
  #held = false
  #ended = false
  #failure: unknown = null

  constructor(options: GatheringOptions) {
    this.#options = options
    this.#settled.promise.catch(() => undefined) // `end` tells of it
  }

  /** Whether the invocation has written something that is not published yet. */
  get isOpen(): boolean {
    return this.#held && !this.#ended
  }

  /** Whether it has ended, and the bucket holds what was written. */
  get hasPublished(): boolean {
    return this.#held && this.#ended && this.#failure === null
  }

  /** Resolves when the invocation has written something. */
  get opened(): Promise<void> {
    return this.#opened.promise
  }

  /** Whether the invocation is over: what comes now is no part of it. */
  get hasEnded(): boolean {
    return this.#ended
  }

  /** When the invocation has to be answered, wall clock, ms. */
  get deadline(): number {
    return this.#options.deadline
  }

  /** Why what was gathered must not be published; null when it may be. */
  get failure(): unknown {
    return this.#failure
  }

  /** Runs a transaction of the invocation; what it wrote is published when the invocation ends. */
  submit<T>(work: Work<T> | LoneStatement): Promise<T> {
    return this.#turn.run(async () => {
      if (this.#failure) throw this.#failure
      if (this.#replica) return this.#run<T>(this.#replica.writer, work)
      await this.#expectTheHead()
      return this.#options.submit(work, this)
    })
  }

  /**
   * Reads what the invocation has written; null when it has ended meanwhile.
   * @throws ConflictError when the state that it was written upon has turned out to be too old for this read;
   *   BookmarkError
   */
  async read<T>(read: Read, run: (connection: Connection) => T): Promise<T | null> {
    const replica = await this.#fresh(read)
    if (!replica) return null
    this.#reader ??= replica.openReader()
    return run(this.#reader)
  }

  /** A snapshot of it, to be given back to the replica. */
  async snapshot(read: Read): Promise<Snapshot | null> {
    return (await this.#fresh(read))?.acquireUnpublished() ?? null
  }

  /**
   * The invocation is over: waits for its transactions that have begun, and for what was gathered to be settled.
   * @throws ConflictError, CommitUnknownError, TransactionTimeoutError, StoreError
   */
  async end(): Promise<void> {
    this.#ended = true
    await this.#turn.run(async () => this.#close())
    if (this.#held) await this.#settled.promise
  }

  // For the committer

  /** Takes over the batch whose first transaction has written something. Resolves when no more comes. */
  async hold(replica: Replica): Promise<void> {
    this.#held = true
    this.#replica = replica
    this.#opened.resolve()
    const { clock, deadline } = this.#options
    this.#cancelDeadline = after(clock, deadline - clock.now(), () => this.#expire())
    await this.#closed.promise
  }

  /** The bucket holds what was gathered. */
  settle(): void {
    this.#settled.resolve()
  }

  /** What was gathered is undone. */
  fail(error: unknown): void {
    this.#failure ??= error
    this.#settled.reject(this.#failure)
  }

  async #run<T>(writer: Connection, work: Work<T> | LoneStatement): Promise<T> {
    const outcome = await this.#options.runner.run(writer, work)
    if ('error' in outcome) throw outcome.error
    return outcome.value as T
  }

  async #expectTheHead(): Promise<void> {
    const { follower, gate, begun } = this.#options
    const { proof } = follower
    if (proof.isWithin(proof.verifiedAt, RECENT_MS)) return
    const strong = { wanted: STRONG, begun }
    while (!gate.isOpenTo(strong)) await gate.open(strong)
  }

  /** Reads are as new as they want to be, also in a state that is not published. */
  async #fresh(read: Read): Promise<Replica | null> {
    const { follower, gate, description } = this.#options
    if (!this.#failure && !gate.isOpenTo(read)) {
      if ((await follower.look()) === 'head') gate.requireHeld(read)
      else this.#abort(overtaken(description))
    }
    if (this.#failure) throw this.#failure
    return this.#replica
  }

  #expire(): void {
    this.#abort(
      new TransactionTimeoutError(
        `${this.#options.description}: the deadline of the invocation passed before it ended. Nothing of what it ` +
          'wrote is kept',
      ),
    )
  }

  /** Nothing of what was gathered is published. Transactions that run are let end: that takes no longer than they may. */
  #abort(error: unknown): void {
    this.#failure ??= error
    void this.#turn.run(async () => this.#close())
  }

  #close(): void {
    this.#cancelDeadline()
    this.#reader?.close()
    this.#reader = null
    this.#replica = null
    this.#closed.resolve()
  }
}

/** What ends an invocation that has written something when another writer was faster. */
export function overtaken(description: string): ConflictError {
  return new ConflictError(
    `${description}: another writer was faster than this invocation, of which nothing is kept. Repeat it`,
  )
}
