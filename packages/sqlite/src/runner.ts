import { AsyncLocalStorage } from 'node:async_hooks'
import type { Connection } from './connection.ts'
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

/** How a function ended. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown }

/** Runs one transaction after the other on the writer's connection: the local half of a commit. */
export class Runner {
  readonly #inside = new AsyncLocalStorage<{ open: boolean }>()

  /** Whether the caller runs inside a transaction, for whose end a further one would wait in vain. */
  get isInside(): boolean {
    return this.#inside.getStore()?.open === true
  }

  /** A function that throws, or ends its transaction from inside, leaves nothing behind. */
  async run(writer: Connection, work: Work<unknown> | LoneStatement): Promise<Outcome> {
    if ('statement' in work) return runLone(writer, work.statement)
    const { handle, end } = lendTransaction(writer)
    const inside = { open: true }
    try {
      writer.control('BEGIN IMMEDIATE')
      const value = await this.#inside.run(inside, () => work.run(handle))
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
}

function runLone(writer: Connection, statement: string): Outcome {
  try {
    writer.control(statement)
    return { value: undefined }
  } catch (error) {
    return { error }
  }
}
