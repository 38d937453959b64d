import { AsyncResource } from 'node:async_hooks'
import type { Clock } from './clock.ts'
import { ConflictError, HistoryChangedError } from './errors.ts'
import type { Fairness } from './fairness.ts'
import type { Follower } from './follower.ts'
import { type Gathering, overtaken } from './gathering.ts'
import { isObserved, measured } from './measures.ts'
import type { Publisher } from './publisher.ts'
import type { Capture } from './replica.ts'
import { takeTurn } from './reserve.ts'
import type { LoneStatement, Outcome, Runner, Work } from './runner.ts'

const LARGEST_BATCH = 256
/** Who has to be answered within so many turns waits for nobody. */
const LAST_TURNS = 2

interface Waiting {
  readonly work: Work<unknown> | LoneStatement
  /** What becomes of its batch if it writes something; null when that is published by itself. */
  readonly gathering: Gathering | null
  /** That of the submitter, which its function runs in; null where that is the one the pump runs in. */
  readonly context: AsyncResource | null
  attempts: number
  /** By `performance.now()`; 0 when nobody wants to know. */
  readonly since: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

export interface CommitterOptions {
  readonly follower: Follower
  readonly fairness: Fairness
  readonly publisher: Publisher
  readonly runner: Runner
  readonly clock: Clock
  readonly description: string
  readonly maxAttempts: number
}

/**
 * Runs transactions in batches and has each batch published as one object. While a PUT is in flight new transactions
 * wait; when it is settled, all that wait run one after the other and travel together. There is one PUT in flight,
 * and nothing is ever computed upon what is not settled.
 */
export class Committer {
  readonly #options: CommitterOptions
  #waiting: Waiting[] = []
  #pumping: Promise<void> | null = null

  constructor(options: CommitterOptions) {
    this.#options = options
  }

  /**
   * Resolves with what the function returned, or throws what it threw, once the bucket holds its batch; with a
   * gathering that it has opened by writing something, at once.
   */
  submit<T>(work: Work<T> | LoneStatement, gathering: Gathering | null = null): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({
        work,
        gathering,
        context: this.#pumping ? new AsyncResource('thaw.transaction') : null,
        attempts: 0,
        since: isObserved() ? performance.now() : 0,
        resolve: resolve as (value: unknown) => void,
        reject,
      })
      this.#pumping ??= this.#pump()
    })
  }

  /** Resolves when nothing waits and nothing is in flight. */
  async idle(): Promise<void> {
    while (this.#pumping) await this.#pumping
  }

  async #pump(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        try {
          await this.#takeTurn()
        } catch (error) {
          for (const { reject } of this.#waiting.splice(0)) reject(error)
          continue
        }
        await this.#options.follower.exclusive(() => this.#runBatch())
      }
    } finally {
      this.#pumping = null
    }
  }

  /** @throws HistoryChangedError, which is told once: the copy is already of what is there now */
  async #takeTurn(): Promise<void> {
    const { follower, publisher, fairness, clock } = this.#options
    if (fairness.mayGo(clock.now())) return
    const reserve = (ms: number) => follower.exclusive(() => publisher.reserve(ms))
    await takeTurn(this.#options, () => this.#awaitTurn(), reserve)
  }

  /** Lets other writers have their turn. Any other look that fails is left to the batch, which meets the same store. */
  async #awaitTurn(): Promise<void> {
    const { fairness, clock, follower } = this.#options
    for (;;) {
      const now = clock.now()
      const turn = fairness.turn(now)
      const left =
        Math.min(...this.#waiting.map(({ work }) => work.deadline)) - now - LAST_TURNS * fairness.turnMs
      if (!turn || left <= 0 || !follower.trusted) return
      if (turn.waitMs > 0) await clock.sleep(Math.ceil(Math.min(turn.waitMs, left)))
      const sentAt = clock.now()
      try {
        await follower.exclusive(() => follower.advance(null, null, turn.ask))
      } catch (error) {
        if (error instanceof HistoryChangedError) throw error
        return
      }
      fairness.looked(sentAt, clock.now())
    }
  }

  async #runBatch(): Promise<void> {
    const { follower, runner, publisher, fairness, clock } = this.#options
    const batch: Waiting[] = []
    const begun = clock.now()
    try {
      if (!follower.trusted) await follower.synchronise(null)
      const replica = follower.replica
      const outcomes: Outcome[] = []
      replica.pin()
      while (batch.length < LARGEST_BATCH) {
        const next = this.#nextFor(batch)
        if (!next) break
        batch.push(next)
        outcomes.push(await runner.run(replica.writer, next.work, next.context))
      }
      const capture = this.#capture(null)
      const gathering = batch[0]?.gathering
      if (capture && gathering) {
        release(batch, outcomes)
        await this.#gather(gathering, capture)
        fairness.worked(clock.now() - begun)
        return
      }
      const settled = capture
        ? await publisher.publish(capture, latestOf(batch))
        : await publisher.confirmUnchanged()
      fairness.worked(clock.now() - begun)
      if (settled && capture && isObserved()) measureCommits(batch, outcomes)
      if (settled) release(batch, outcomes)
      else this.#again(batch)
    } catch (error) {
      if (batch.length === 0) batch.push(...this.#waiting.splice(0))
      for (const { reject } of batch) reject(error)
    }
  }

  /** Keeps the batch open until the invocation ends that it belongs to, and publishes all that has come together. */
  async #gather(gathering: Gathering, first: Capture): Promise<void> {
    const { follower, description } = this.#options
    try {
      await gathering.hold(follower.replica)
      const whole = this.#capture(first) ?? first
      if (gathering.failure) {
        await follower.follow(whole, null)
        gathering.fail(gathering.failure)
      } else if (await this.#publishGathered(gathering, whole)) gathering.settle()
      else gathering.fail(overtaken(description))
    } catch (error) {
      gathering.fail(error)
    }
  }

  async #publishGathered({ deadline }: Gathering, whole: Capture): Promise<boolean> {
    const since = performance.now()
    const settled = await this.#options.publisher.publish(whole, deadline)
    if (settled) measureCommit(since, 1)
    return settled
  }

  #capture(before: Capture | null): Capture | null {
    const { follower } = this.#options
    try {
      return follower.replica.capture(before)
    } catch (error) {
      follower.abandon()
      throw error
    }
  }

  /** Takes what goes on with the batch from those that wait; null when the batch is complete. */
  #nextFor(batch: readonly Waiting[]): Waiting | null {
    const next = this.#waiting[0]
    if (!next || (batch[0] && (isAlone(batch[0]) || isAlone(next)))) return null
    this.#waiting.shift()
    return next
  }

  #again(batch: readonly Waiting[]): void {
    const again: Waiting[] = []
    for (const waiting of batch) {
      waiting.attempts++
      if (waiting.work.repeatable && waiting.attempts < this.#options.maxAttempts) again.push(waiting)
      else waiting.reject(this.#conflict(waiting))
    }
    this.#waiting.unshift(...again)
  }

  #conflict({ work, attempts }: Waiting): ConflictError {
    return new ConflictError(
      work.repeatable
        ? `${this.#options.description}: other writers were faster ${attempts} times in a row. Repeat it later`
        : `${this.#options.description}: another writer was faster, and this transaction cannot be run again by ` +
            'itself. Use atomic(fn), which runs it again, or repeat it',
    )
  }
}

/** Whether it is a batch by itself. */
function isAlone({ work, gathering }: Waiting): boolean {
  return 'statement' in work || gathering !== null
}

/** Wall clock, ms: until when somebody of the batch can wait. */
function latestOf(batch: readonly Waiting[]): number {
  return Math.max(...batch.map(({ work }) => work.deadline))
}

function measureCommits(batch: readonly Waiting[], outcomes: readonly Outcome[]): void {
  batch.forEach(({ since, attempts }, index) => {
    if (since > 0 && 'value' in (outcomes[index] ?? {})) measureCommit(since, attempts + 1)
  })
}

/** A transaction that was asked for at `since` is durable, at its n-th try. */
function measureCommit(since: number, tries: number): void {
  measured({ name: 'commit', ms: performance.now() - since })
  measured({ name: 'commit-tries', count: tries })
}

function release(batch: readonly Waiting[], outcomes: readonly Outcome[]): void {
  batch.forEach(({ resolve, reject }, index) => {
    const outcome = outcomes[index]
    if (outcome && 'value' in outcome) resolve(outcome.value)
    else reject(outcome?.error)
  })
}
