import { AsyncLocalStorage, type AsyncResource } from 'node:async_hooks'
import { after, type Clock } from './clock.ts'
import type { Connection } from './connection.ts'
import { TransactionTimeoutError } from './errors.ts'
import { lendTransaction, requireTransaction } from './handles.ts'
import type { Transaction } from './types.ts'

/** A transaction that somebody wants to have run. */
export interface Work<T> {
  readonly run: (tx: Transaction) => T | Promise<T>
  /** Whether it may be run again after a lost race. */
  readonly repeatable: boolean
  /** When its caller has to have an answer, wall clock, ms. */
  readonly deadline: number
}

/** A statement that SQLite runs only outside of a transaction: a batch of its own, run again like any other. */
export interface LoneStatement {
  readonly statement: string
  readonly repeatable: true
  readonly deadline: number
}

/** How a function ended. Told to its caller only once what it rests on is settled. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown }

export interface RunnerOptions {
  readonly clock: Clock
  readonly description: string
  /** For how long a function may hold up all others, ms. */
  readonly transactionTimeoutMs: number
}

/** Runs one transaction after the other on the writer's connection: the local half of a commit. */
export class Runner {
  readonly #options: RunnerOptions
  readonly #inside = new AsyncLocalStorage<{ open: boolean }>()

  constructor(options: RunnerOptions) {
    this.#options = options
  }

  /** Whether the caller runs inside a transaction, for whose end a further one would wait in vain. */
  get isInside(): boolean {
    return this.#inside.getStore()?.open === true
  }

  /**
   * A function that throws, ends its transaction from inside, or does not end in time leaves nothing behind.
   * @param context what the function runs in; that of the caller when null
   */
  async run(
    writer: Connection,
    work: Work<unknown> | LoneStatement,
    context: AsyncResource | null = null,
  ): Promise<Outcome> {
    const { clock, transactionTimeoutMs } = this.#options
    const now = clock.now()
    if (now >= work.deadline) return { error: this.#timedOut('waited for its turn') }
    if ('statement' in work) return runLone(writer, work.statement)
    const { handle, end } = lendTransaction(writer)
    const inside = { open: true }
    try {
      writer.control('BEGIN IMMEDIATE')
      const start = () => this.#inside.run(inside, work.run, handle)
      const result = context ? context.runInAsyncScope(start) : start()
      const left = Math.min(transactionTimeoutMs, work.deadline - now)
      const value = isThenable(result) ? await this.#bounded(result, left) : result
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

  /** What becomes of a function later than this is nobody's business: its handle is dead by then. */
  async #bounded<T>(result: PromiseLike<T>, ms: number): Promise<T> {
    let cancel = () => {}
    const timedOut = new Promise<never>((_, reject) => {
      cancel = after(this.#options.clock, ms, () => reject(this.#timedOut('ran')))
    })
    try {
      return await Promise.race([result, timedOut])
    } finally {
      cancel()
    }
  }

  #timedOut(what: string): TransactionTimeoutError {
    const { description, transactionTimeoutMs } = this.#options
    return new TransactionTimeoutError(
      `${description}: a transaction ${what} until the deadline of its invocation, or for ${transactionTimeoutMs} ms, ` +
        'and was rolled back. While it runs all others of this process wait: do what takes long, such as requests, ' +
        'before or after it',
    )
  }
}

function isThenable(result: unknown): result is PromiseLike<unknown> {
  return typeof (result as PromiseLike<unknown> | null | undefined)?.then === 'function'
}

function runLone(writer: Connection, statement: string): Outcome {
  try {
    writer.control(statement)
    return { value: undefined }
  } catch (error) {
    return { error }
  }
}
