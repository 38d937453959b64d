import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { type ObjectStore, probeConditionalPut } from '@thaw/store'
import { type Chain, type ChainLink, type EncodedLink, encodeLink } from './chain.ts'
import type { Clock } from './clock.ts'
import type { Connection } from './connection.ts'
import { CommitUnknownError, ConflictError } from './errors.ts'
import type { Fairness } from './fairness.ts'
import type { Follower } from './follower.ts'
import { lendTransaction, requireTransaction } from './handles.ts'
import { PROBE_KEY } from './probe-key.ts'
import { type Publication, publish } from './publish.ts'
import type { Capture } from './replica.ts'
import type { Transaction } from './types.ts'

const LARGEST_BATCH = 256

export interface Work<T> {
  readonly run: (tx: Transaction) => T | Promise<T>
  /** Whether it may be run again after a lost race. */
  readonly repeatable: boolean
  /** When its caller has to have an answer, wall clock, ms. */
  readonly deadline: number
}

/** A statement that SQLite runs only outside of a transaction: a batch of its own, run again like any other. */
interface LoneStatement {
  readonly statement: string
  readonly repeatable: true
  readonly deadline: number
}

interface Waiting {
  readonly work: Work<unknown> | LoneStatement
  /** That of the submitter, which its function runs in, and not in that of whoever started the batch. */
  readonly context: AsyncResource
  attempts: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** How a function of a batch ended. Told to its caller only once the batch is settled. */
type Outcome = { readonly value: unknown } | { readonly error: unknown }

export interface CommitterOptions {
  readonly store: ObjectStore
  readonly chain: Chain
  readonly follower: Follower
  readonly fairness: Fairness
  readonly clock: Clock
  readonly description: string
  readonly writerId: bigint
  readonly commitTimeoutMs: number
  readonly maxAttempts: number
  readonly fenceWindowMs: number
  /** Called with the number of every transaction that was published. */
  readonly onPublished: (txid: number) => void
}

/**
 * Runs transactions in batches and publishes each batch as one object. While a PUT is in flight new transactions
 * wait; when it is settled, all that wait run one after the other and travel together. There is one PUT in flight,
 * and nothing is ever computed upon what is not settled.
 */
export class Committer {
  readonly #options: CommitterOptions
  readonly #inside = new AsyncLocalStorage<{ open: boolean }>()
  #waiting: Waiting[] = []
  #pumping: Promise<void> | null = null
  #probed = false

  constructor(options: CommitterOptions) {
    this.#options = options
  }

  /** Whether the caller runs inside a function of a batch, for which a further one would wait in vain. */
  get isInside(): boolean {
    return this.#inside.getStore()?.open === true
  }

  /** Resolves with what the function returned, or throws what it threw, once the bucket holds its batch. */
  submit<T>(work: Work<T>): Promise<T> {
    return this.#enqueue<T>(work)
  }

  /** The same for VACUUM, which no transaction can hold. */
  vacuum(deadline: number): Promise<void> {
    return this.#enqueue({ statement: 'VACUUM', repeatable: true, deadline })
  }

  #enqueue<T>(work: Work<T> | LoneStatement): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({
        work,
        context: new AsyncResource('thaw.transaction'),
        attempts: 0,
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
        await this.#awaitTurn()
        await this.#options.follower.exclusive(() => this.#runBatch())
      }
    } finally {
      this.#pumping = null
    }
  }

  /** Lets other writers have their turn. A look that fails is left to the batch, which meets the same store. */
  async #awaitTurn(): Promise<void> {
    const { fairness, clock, follower } = this.#options
    for (;;) {
      const turn = fairness.turn(clock.now())
      if (!turn || !follower.trusted) return
      if (turn.waitMs > 0) await clock.sleep(turn.waitMs)
      const sentAt = clock.now()
      try {
        await follower.exclusive(() => follower.advance(null, null, turn.ask))
      } catch {
        return
      }
      fairness.looked(sentAt, clock.now())
    }
  }

  async #runBatch(): Promise<void> {
    const { follower } = this.#options
    const batch: Waiting[] = []
    let capture: Capture | null = null
    try {
      if (!follower.trusted) await follower.synchronise(null)
      const replica = follower.replica
      const outcomes: Outcome[] = []
      replica.pin()
      while (batch.length < LARGEST_BATCH) {
        const next = this.#nextFor(batch)
        if (!next) break
        batch.push(next)
        outcomes.push(await this.#runOne(replica.writer, next))
      }
      try {
        capture = replica.capture()
      } catch (error) {
        follower.abandon()
        throw error
      }
      const settled = capture ? await this.#publish(capture, batch) : await this.#confirmUnchanged()
      if (settled) release(batch, outcomes)
      else this.#again(batch)
    } catch (error) {
      if (batch.length === 0) batch.push(...this.#waiting.splice(0))
      for (const { reject } of batch) reject(error)
    }
  }

  /** Takes what goes on with the batch from those that wait; null when the batch is complete. */
  #nextFor(batch: readonly Waiting[]): Waiting | null {
    const next = this.#waiting[0]
    if (!next || (batch[0] && (isLone(batch[0]) || isLone(next)))) return null
    this.#waiting.shift()
    return next
  }

  async #runOne(writer: Connection, { work, context }: Waiting): Promise<Outcome> {
    if ('statement' in work) return runLone(writer, work.statement)
    const { handle, end } = lendTransaction(writer)
    const inside = { open: true }
    try {
      writer.control('BEGIN IMMEDIATE')
      const value = await context.runInAsyncScope(() => this.#inside.run(inside, work.run, handle))
      requireTransaction(writer)
      writer.control('COMMIT')
      return { value }
    } catch (error) {
      if (writer.db.isTransaction) writer.control('ROLLBACK')
      return { error }
    } finally {
      inside.open = false
      end()
    }
  }

  /** Nothing was written: what the functions saw holds if the copy still was at the head after they had begun. */
  async #confirmUnchanged(): Promise<boolean> {
    const { follower, fairness, clock } = this.#options
    follower.replica.unpin()
    const sentAt = clock.now()
    const next = await follower.look()
    fairness.looked(sentAt, clock.now())
    if (next === 'head') return true
    if (next === 'unproven') await follower.synchronise(null)
    else await follower.follow(null, next)
    return false
  }

  /** True when the bucket holds it; false when the batch has to run again on a newer state. */
  async #publish(capture: Capture, batch: readonly Waiting[]): Promise<boolean> {
    const { follower, clock, fairness } = this.#options
    const sentAt = clock.now()
    const tick = follower.tick()
    let link: EncodedLink
    let publication: Publication
    try {
      link = this.#encode(capture)
      publication = await this.#send(link, batch)
    } catch (error) {
      await follower.undo(capture)
      if (error instanceof CommitUnknownError) follower.distrust()
      throw error
    }
    if (publication.outcome === 'settled') {
      follower.accept(capture, link, publication.provenAt, tick)
      fairness.won(sentAt, clock.now())
      this.#options.onPublished(link.txid)
      return true
    }
    if (publication.outcome === 'lost') await this.#catchUp(capture, publication.winner)
    else await follower.synchronise(capture)
    return false
  }

  /** In a crowd the head is soon another one again: whoever knew it just now need not ask whether `winner` is it. */
  async #catchUp(lost: Capture, winner: ChainLink): Promise<void> {
    const { fairness, clock, follower } = this.#options
    const knewTheHead = clock.now() - follower.verifiedAt <= 2 * fairness.turnMs
    if (knewTheHead) await follower.advance(lost, winner, 0)
    else await follower.follow(lost, winner)
    fairness.lost()
  }

  async #send(link: EncodedLink, batch: readonly Waiting[]): Promise<Publication> {
    const { store, chain, clock, description, follower, fenceWindowMs } = this.#options
    if (link.txid === 1) await this.#probe()
    const { verifiedAt } = follower
    const deadline = this.#deadline(batch)
    return publish(link, { store, chain, clock, description, verifiedAt, fenceWindowMs, deadline })
  }

  #encode(capture: Capture): EncodedLink {
    const { follower, writerId, clock } = this.#options
    const { replica, position } = follower
    const pages = position.txid === 0 ? replica.completePages(capture) : capture.pages
    const change = { pages, pageCount: capture.pageCount }
    return encodeLink(position, change, replica.pageSize, writerId, clock.now())
  }

  /** A store that ignores the condition would let two writers both create the database. */
  async #probe(): Promise<void> {
    if (this.#probed) return
    await probeConditionalPut(this.#options.store, PROBE_KEY)
    this.#probed = true
  }

  #deadline(batch: readonly Waiting[]): number {
    const asked = Math.max(...batch.map(({ work }) => work.deadline))
    return Math.min(asked, this.#options.clock.now() + this.#options.commitTimeoutMs)
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

function isLone({ work }: Waiting): boolean {
  return 'statement' in work
}

function runLone(writer: Connection, statement: string): Outcome {
  try {
    writer.control(statement)
    return { value: undefined }
  } catch (error) {
    return { error }
  }
}

function release(batch: readonly Waiting[], outcomes: readonly Outcome[]): void {
  batch.forEach(({ resolve, reject }, index) => {
    const outcome = outcomes[index]
    if (outcome && 'value' in outcome) resolve(outcome.value)
    else reject(outcome?.error)
  })
}
