import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { Row, SqlValue, StatementResult } from '@thaw/sqlite'
import { BusyError, OpenError, StatementError } from '../../errors.ts'
import type { FileTarget } from '../../url.ts'

/** How long a statement waits for another process that writes. */
const BUSY_TIMEOUT_MS = 5_000
const MAX_STATEMENTS = 200
const SQLITE_BUSY = 5

interface Prepared {
  readonly statement: StatementSync
  readonly returnsRows: boolean
  /** A statement that changes rows and returns them must not run twice. */
  readonly writes: boolean
}

/** The one connection to a local SQLite file. */
export class FileDatabase {
  readonly #db: DatabaseSync
  readonly #description: string
  readonly #statements = new Map<string, Prepared>()

  /** @throws OpenError */
  constructor({ path, description }: FileTarget) {
    this.#description = description
    try {
      this.#db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
    } catch (error) {
      throw new OpenError(
        `${description} cannot be opened: does its folder exist, and may it be written?`,
        error,
      )
    }
  }

  /** @throws BusyError when another process held the file for too long; else the error of node:sqlite */
  execute(sql: string, parameters: readonly SqlValue[] = []): StatementResult {
    try {
      return run(this.#prepare(sql), parameters)
    } catch (error) {
      if (!isBusy(error)) throw error
      throw new BusyError(
        `${this.#description} was locked by another process for ${BUSY_TIMEOUT_MS} ms`,
        error,
      )
    }
  }

  close(): void {
    this.#statements.clear()
    this.#db.close()
  }

  #prepare(sql: string): Prepared {
    const known = this.#statements.get(sql)
    if (known) return known
    const statement = this.#db.prepare(sql)
    refuseRest(sql.slice(statement.sourceSQL.length))
    const prepared = {
      statement,
      returnsRows: statement.columns().length > 0,
      writes: /\breturning\b/i.test(sql),
    }
    if (this.#statements.size >= MAX_STATEMENTS) {
      const oldest = this.#statements.keys().next()
      if (!oldest.done) this.#statements.delete(oldest.value)
    }
    this.#statements.set(sql, prepared)
    return prepared
  }
}

function run({ statement, returnsRows, writes }: Prepared, parameters: readonly SqlValue[]): StatementResult {
  const values = parameters as SQLInputValue[]
  if (!returnsRows) {
    statement.setReadBigInts(true) // or the number of a new row would be rounded
    const { changes, lastInsertRowid } = statement.run(...values)
    return { rows: [], changes: Number(changes), lastInsertRowid }
  }
  if (writes) {
    const rows = wide(statement, values)
    return { rows, changes: rows.length, lastInsertRowid: 0 }
  }
  try {
    statement.setReadBigInts(false)
    return { rows: statement.all(...values) as Row[], changes: 0, lastInsertRowid: 0 }
  } catch (error) {
    // node:sqlite refuses to round an integer that a number cannot hold.
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_OUT_OF_RANGE')) throw error
    return { rows: wide(statement, values), changes: 0, lastInsertRowid: 0 }
  }
}

/** Rows whose integers are bigint only where a number could not hold them. */
function wide(statement: StatementSync, values: SQLInputValue[]): Row[] {
  statement.setReadBigInts(true)
  const rows = statement.all(...values) as Row[]
  for (const row of rows) {
    for (const [name, value] of Object.entries(row)) {
      if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) row[name] = Number(value)
    }
  }
  return rows
}

/** node:sqlite would quietly leave out everything after the first statement. */
function refuseRest(rest: string): void {
  if (rest.replace(/--.*|\/\*[\s\S]*?\*\/|[\s;]/g, '') === '') return
  throw new StatementError(`one statement at a time: "${rest.trim().slice(0, 100)}" follows the first`)
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === SQLITE_BUSY
}
