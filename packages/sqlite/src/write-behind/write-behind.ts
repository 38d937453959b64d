import type { Clock } from '../clock.ts'
import { PersistError, WriteBehindLostError } from '../errors.ts'
import type { Follower } from '../follower.ts'
import { measured } from '../measures.ts'
import { Mutex } from '../mutex.ts'
import type { LoneStatement, Runner, Work } from '../runner.ts'
import { Lag } from './lag.ts'
import type { Persister, Publishing } from './persister.ts'
import { Schedule, type SetTimer } from './schedule.ts'
import type { Thresholds } from './thresholds.ts'

export interface PersistOptions {
  /** Try now, even though an attempt has just failed and the next one would wait. */
  readonly force?: boolean
}

/** What a persist did. */
export interface Persisted {
  /** The transaction that the bucket holds now. */
  readonly txid: number
  /** How many acknowledged writes went there. */
  readonly writes: number
  /** In how many bytes. */
  readonly bytes: number
}

export interface WriteBehindOptions {
  readonly follower: Follower
  readonly runner: Runner
  readonly persister: Persister
  readonly clock: Clock
  readonly setTimer: SetTimer
  readonly description: string
  readonly thresholds: Thresholds
  /** How long one attempt may take, ms. */
  readonly persistTimeoutMs: number
  /** Past this size of its log a copy holds writers back during a persist, so that the log can be folded. Bytes. */
  readonly largestLogBytes: number
  /** Told of a persist that failed, or found that writes are lost, with nobody waiting for it. */
  readonly onPersistError: (error: PersistError | WriteBehindLostError) => void
}

/**
 * Acknowledges a transaction once it is committed on the copy, and publishes what has gathered later: after so many
 * writes, after so long, at the start and the end of an invocation, or when somebody asks.
 *
 * Persists, and looks at the head, run one after the other in a lane of their own. Transactions go on beside them;
 * only what changes the copy itself (undo, follow) is `exclusive`.
 */
export class WriteBehind {
  readonly #options: WriteBehindOptions
  readonly #schedule: Schedule
  readonly #lane = new Mutex()
  readonly #lag = new Lag()
  /** The persist that is under way, which whoever asks meanwhile shares. */
  #pass: Promise<Persisted | null> | null = null
  /** How many are under way. */
  #invocations = 0
  #logBytes = 0
  #failure: PersistError | null = null
  #lost: WriteBehindLostError | null = null
  /** Whether somebody who asked for a persist knows of it. */
  #told = false

  constructor(options: WriteBehindOptions) {
    this.#options = options
    const { clock, setTimer, thresholds } = options
    const onDue = () => this.#startIfDue(Number.POSITIVE_INFINITY)
    this.#schedule = new Schedule({ clock, setTimer, thresholds, onDue })
  }

  get thresholds(): Thresholds {
    return this.#schedule.thresholds
  }

  /** How many acknowledged writes are in this process only. */
  get pending(): number {
    return this.#schedule.pending
  }

  /** @throws SqliteStoreError `BAD_OPTION` */
  configure(thresholds: Partial<Thresholds>): void {
    this.#schedule.configure(thresholds)
    this.#startIfDue(Number.POSITIVE_INFINITY)
  }

  /** Throws, once, what the last persist found to be lost. */
  raiseLost(): void {
    const lost = this.#lost
    this.#lost = null
    if (lost) throw lost
  }

  /** What was lost and nobody was told of. */
  get untold(): WriteBehindLostError | null {
    return this.#told ? null : this.#lost
  }

  /** Resolves with what the function returned, or throws what it threw, once it is committed on the copy. */
  submit<T>(work: Work<T> | LoneStatement): Promise<T> {
    return this.#run(work) as Promise<T>
  }

  /**
   * Since when the copy has to be at the head for a request that began at the tick `begun`; 0 for never. A persist that
   * is under way finds out by itself, and the copy cannot move before it has.
   */
  freshFor(begun: number): number {
    return this.#pass ? 0 : begun
  }

  /**
   * Brings the copy to the head, where it was not proven to be since the tick `begun`: one look, by whoever comes first.
   * @throws WriteBehindLostError when another writer was there
   */
  async freshSince(begun: number): Promise<void> {
    try {
      while (!this.#options.follower.isFresh(begun)) await this.#lane.run(() => this.#look(begun))
    } catch (error) {
      if (error === this.#lost) this.#lost = null // its one time is now
      throw error
    }
  }

  /**
   * Persists what is due before and after `next`: no timer runs while an environment is frozen.
   * @throws WriteBehindLostError when `next` succeeded and what it wrote may be lost
   */
  async around<T>(deadline: number, next: () => Promise<T>): Promise<T> {
    // Frozen is only who serves no request: where others are under way, nobody waits for a persist.
    if (this.#invocations++ === 0) await this.#occasion(deadline)
    let result: T
    try {
      result = await next()
    } finally {
      if (--this.#invocations === 0) await this.#occasion(deadline)
    }
    this.raiseLost() // perhaps what `next` wrote: its answer must not leave
    return result
  }

  /**
   * Resolves when the bucket holds everything that was acknowledged before; null when there was nothing to do.
   * @throws PersistError it is still here, and tried again at the next occasion
   * @throws WriteBehindLostError another writer was there
   */
  async persist({ force = false }: PersistOptions, deadline: number): Promise<Persisted | null> {
    if (!force && this.pending > 0 && this.#schedule.backsOff && this.#failure) throw this.#failure
    try {
      return await this.#persistAll(deadline)
    } catch (error) {
      this.#told ||= error === this.#lost
      throw error
    }
  }

  /** Resolves when nothing runs and the bucket holds everything. Throws what `persist` throws. */
  async idle(): Promise<void> {
    await this.#options.follower.exclusive(async () => {}) // waits for what is under way
    await this.#persistAll(Number.POSITIVE_INFINITY)
  }

  async #run(work: Work<unknown> | LoneStatement): Promise<unknown> {
    const { follower, runner } = this.#options
    return follower.exclusive(async () => {
      if (!follower.isFresh(0)) await follower.synchronise(null)
      const { replica } = follower
      const outcome = await runner.run(replica.writer, work)
      if ('error' in outcome) throw outcome.error
      replica.unpin() // whatever keeps readers on the published state: here they see what is acknowledged
      this.#schedule.wrote()
      this.#lag.wrote(this.#schedule.acknowledged, this.#options.clock.now())
      this.#startIfDue(work.deadline)
      return outcome.value
    })
  }

  /** Comes closer to the head: called again until the copy is known to be fresh. */
  async #look(begun: number): Promise<void> {
    const { follower, persister } = this.#options
    if (follower.isFresh(begun)) return
    if (this.pending === 0) return follower.exclusive(() => this.#follow())
    const publishing = (await persister.settle()) ?? (await this.#lookPast())
    if (publishing?.outcome === 'moved') await this.#lose(publishing.cause)
    else if (publishing) this.#settled(publishing)
  }

  /** Looks for a transaction after the position of a copy that has something to publish. */
  async #lookPast(): Promise<Publishing | null> {
    const { follower, persister } = this.#options
    const next = follower.trusted ? await follower.look() : 'unproven'
    if (next === 'head') return null
    return next === 'unproven' ? persister.provenAway() : (persister.settles(next) ?? { outcome: 'moved' })
  }

  /** Nothing is pending, so that the copy may move. */
  async #follow(): Promise<void> {
    const { follower } = this.#options
    if (this.pending > 0) return // written while this waited to be alone
    if (!follower.trusted) return follower.synchronise(null)
    const next = await follower.look()
    if (typeof next === 'object') await follower.follow(null, next)
    else if (next === 'unproven') await follower.synchronise(null)
  }

  /** What is under way is waited for: it would stand still in a freeze. */
  async #occasion(deadline: number): Promise<void> {
    await this.#pass?.catch(() => undefined) // reported to whoever began it
    if (this.#schedule.isDue) await this.#inBackground(deadline)
  }

  #startIfDue(deadline: number): void {
    if (!this.#pass && this.#schedule.isDue) void this.#inBackground(deadline)
  }

  async #inBackground(deadline: number): Promise<void> {
    try {
      await this.#persistOnce(deadline)
    } catch (error) {
      this.#options.onPersistError(error as PersistError | WriteBehindLostError)
    }
  }

  async #persistAll(deadline: number): Promise<Persisted | null> {
    const target = this.#schedule.acknowledged
    let done: Persisted | null = null
    while (this.#schedule.acknowledged - this.pending < target) {
      done = together(done, await this.#persistOnce(deadline))
    }
    return done
  }

  /** One attempt at what has gathered until now, or the one that is under way. */
  #persistOnce(deadline: number): Promise<Persisted | null> {
    this.#pass ??= this.#lane
      .run(() => this.#persist(deadline))
      .finally(() => {
        this.#pass = null
        this.#startIfDue(Number.POSITIVE_INFINITY) // as many again may have gathered meanwhile
      })
    return this.#pass
  }

  async #persist(asked: number): Promise<Persisted | null> {
    const { follower, persister, clock, persistTimeoutMs, largestLogBytes } = this.#options
    const deadline = Math.min(asked, clock.now() + persistTimeoutMs)
    const publish = () => {
      this.#lag.attempted()
      return persister.publish(this.#schedule.acknowledged, deadline)
    }
    try {
      const held = this.#logBytes > largestLogBytes
      const publishing = await (held ? follower.exclusive(publish) : publish())
      if (publishing.outcome === 'moved') return await this.#lose(publishing.cause)
      return this.#settled(publishing)
    } catch (error) {
      if (error instanceof WriteBehindLostError) throw error
      throw this.#failed(error)
    }
  }

  #settled(publishing: Exclude<Publishing, { outcome: 'moved' }>): Persisted | null {
    const before = this.pending
    this.#schedule.persisted(publishing.acknowledged)
    const ms = this.#lag.settled(publishing.acknowledged, this.#options.clock.now())
    if (ms !== null && publishing.outcome === 'published') measured({ name: 'persist-lag', ms })
    this.#failure = null
    if (publishing.outcome === 'nothing') return null
    this.#logBytes = publishing.logBytes
    const { txid, bytes } = publishing
    return { txid, bytes, writes: before - this.pending }
  }

  /** @throws WriteBehindLostError unless there was nothing to lose */
  async #lose(cause?: unknown): Promise<null> {
    const { follower, persister, description } = this.#options
    const lost = await follower.exclusive(async () => {
      const kept = await persister.lose()
      const writes = this.pending
      this.#schedule.persisted(this.#schedule.acknowledged)
      this.#lag.settled(this.#schedule.acknowledged, this.#options.clock.now())
      return kept && { ...kept, writes }
    })
    if (!lost) return null
    const count = lost.writes === 1 ? 'write' : 'writes'
    this.#told = false
    this.#lost = new WriteBehindLostError(
      `${description}: ${lost.writes} acknowledged ${count} after transaction ${lost.position} cannot be published, ` +
        `because another writer was there. They are kept as ${lost.object}, which "ltx apply" adds to a restore of ` +
        'that transaction, and are undone here. Write-behind is for one writer only: find the other one',
      lost,
      cause,
    )
    throw this.#lost
  }

  #failed(cause: unknown): PersistError {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const count = this.pending === 1 ? 'write is' : 'writes are'
    this.#schedule.failed()
    this.#failure = new PersistError(
      `${this.#options.description}: ${this.pending} acknowledged ${count} not in the bucket yet, and still here; the ` +
        `next persist tries again. ${reason}`,
      this.pending,
      cause,
    )
    return this.#failure
  }
}

function together(one: Persisted | null, other: Persisted | null): Persisted | null {
  if (!one || !other) return one ?? other
  return { txid: other.txid, writes: one.writes + other.writes, bytes: one.bytes + other.bytes }
}
