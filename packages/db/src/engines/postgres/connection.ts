import type { CompiledQuery, QueryResult, TransactionSettings } from 'kysely'
import { SelectQueryNode } from 'kysely'
import {
  CommitUnknownError,
  ConflictError,
  ConnectionLostError,
  TransactionAbortedError,
} from '../../errors.ts'
import { type EngineConnection, inChunks } from '../engine.ts'
import { postgresParameters } from '../parameters.ts'
import { isConflict } from './failures.ts'
import type { Link } from './link.ts'

const CHANGING = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE'])

/** How an open transaction stands. */
interface OpenTransaction {
  readonly unbounded: boolean
  /** The first error the server answered: it has undone the transaction since. */
  failure: Error | null
}

/** The process's connection, while one borrower has it. */
export class PostgresConnection implements EngineConnection {
  readonly #link: Link
  readonly #unlock: () => void
  #transaction: OpenTransaction | null = null
  /** Whether the last transaction may succeed when it is run again, because nothing of it was committed. */
  repeatable = false

  constructor(link: Link, unlock: () => void) {
    this.#link = link
    this.#unlock = unlock
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const parameters = postgresParameters(query.parameters, query.sql)
    const { command, rowCount, rows } = await this.#run(query, parameters)
    if (!CHANGING.has(command)) return { rows }
    return { rows, numAffectedRows: BigInt(rowCount ?? 0) }
  }

  streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    return inChunks(this, query, chunkSize)
  }

  begin({ isolationLevel, accessMode }: TransactionSettings): Promise<void> {
    const level = isolationLevel ? ` isolation level ${isolationLevel}` : ''
    return this.#begin(`begin${level}${accessMode ? ` ${accessMode}` : ''}`, false)
  }

  /** Begins a transaction for `exclusive`: statements take as long as they take, and each sees what is committed. */
  beginUnbounded(): Promise<void> {
    return this.#begin(
      "begin isolation level read committed; set local statement_timeout = 0; set local lock_timeout = '10min'",
      true,
    )
  }

  async commit(): Promise<void> {
    const transaction = this.#transaction
    this.#transaction = null
    let command: string
    try {
      command = (await this.#link.query('commit', [], transaction?.unbounded)).command
    } catch (error) {
      if (error instanceof ConnectionLostError) throw unknown(this.#link.settings.description, error)
      throw this.#judge(error)
    }
    // The server answers a commit with ROLLBACK when a statement had failed.
    if (command !== 'ROLLBACK') return
    const failure = transaction?.failure ?? null
    throw failure instanceof ConflictError ? failure : new TransactionAbortedError(failure)
  }

  async rollback(): Promise<void> {
    if (this.#transaction === null) return
    this.#transaction = null
    // A server that lost the connection rolls back by itself.
    if (!this.#link.alive) return
    try {
      await this.#link.query('rollback')
    } catch {
      this.#link.discard()
    }
  }

  async release(): Promise<void> {
    try {
      await this.rollback()
    } finally {
      this.#unlock()
    }
  }

  async #begin(sql: string, unbounded: boolean): Promise<void> {
    this.repeatable = false
    try {
      await this.#link.query(sql)
    } catch (error) {
      throw this.#judge(error)
    }
    this.#transaction = { unbounded, failure: null }
  }

  async #run(query: CompiledQuery, parameters: unknown[]) {
    const transaction = this.#transaction
    try {
      return await this.#link.query(query.sql, parameters, transaction?.unbounded)
    } catch (error) {
      if (!transaction && error instanceof ConnectionLostError && !SelectQueryNode.is(query.query))
        throw unknown(this.#link.settings.description, error)
      const judged = this.#judge(error)
      if (transaction && judged instanceof Error) transaction.failure ??= judged
      throw judged
    }
  }

  /** Notes whether the transaction can be repeated, and gives the error to throw. */
  #judge(error: unknown): unknown {
    if (error instanceof ConnectionLostError) this.repeatable = true
    if (!isConflict(error)) return error
    this.repeatable = true
    const { description } = this.#link.settings
    return new ConflictError(
      `another transaction on ${description} was in the way: nothing was written`,
      error,
    )
  }
}

function unknown(description: string, error: ConnectionLostError): CommitUnknownError {
  return new CommitUnknownError(
    `the connection to ${description} broke while a write was under way: it is in effect or it is not`,
    error.cause,
  )
}
