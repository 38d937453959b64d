import { constants, DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { SqliteStoreError } from './errors.ts'
import { guardAction, guardText, withoutComments } from './guards.ts'
import type { Row, SqlValue, StatementResult } from './types.ts'

const MAX_CACHED_STATEMENTS = 200
const SQLITE_READONLY = 8

interface CachedStatement {
  readonly statement: StatementSync
  readonly returnsRows: boolean
  /** `INSERT … RETURNING` and the like: yields rows and changes something. Running it twice is no option. */
  readonly changesAndReturns: boolean
  /** SQLite goes on telling of an earlier statement's rows after one that has none, such as CREATE TABLE. */
  readonly countsNothing: boolean
  /** `PRAGMA incremental_vacuum` frees one page a step, and to run a statement is to take one step. */
  readonly stepsWithoutRows: boolean
}

const nothing = (): StatementResult => ({ rows: [], changes: 0, lastInsertRowid: 0 })

/**
 * One SQLite connection and the statements prepared on it. Statements of applications go through `execute`, which
 * refuses some of them; those of the replica itself through the other methods.
 */
export class Connection {
  readonly db: DatabaseSync
  readonly #readOnly: boolean
  readonly #statements = new Map<string, CachedStatement>()
  readonly #controls = new Map<string, StatementSync>()
  #guarded = false

  constructor(path: string, options: { readOnly: boolean }) {
    this.#readOnly = options.readOnly
    this.db = new DatabaseSync(path, { readOnly: options.readOnly, timeout: 0 })
    const access = options.readOnly ? 'read' : 'write'
    this.db.setAuthorizer((action, first, second, schema) => {
      if (this.#guarded) guardAction(access, action, first, second, schema)
      return constants.SQLITE_OK
    })
  }

  /**
   * Runs one statement of an application to its end.
   * @throws StatementRefusedError before it did anything
   * @throws the error of node:sqlite, unchanged
   */
  execute(sql: string, parameters: readonly unknown[] = []): StatementResult {
    this.#guarded = true
    try {
      return this.#execute(sql, parameters)
    } finally {
      this.#guarded = false
    }
  }

  /** Runs one statement of our own, such as BEGIN, whose rows nobody wants. */
  control(sql: string): void {
    let statement = this.#controls.get(sql)
    if (!statement) {
      statement = this.db.prepare(sql)
      this.#controls.set(sql, statement)
    }
    statement.run()
  }

  #execute(sql: string, parameters: readonly unknown[]): StatementResult {
    const cached = this.#prepare(sql)
    const values = parameters as SQLInputValue[]
    const { statement } = cached
    if (!cached.returnsRows) {
      if (cached.stepsWithoutRows) {
        statement.all(...values)
        return nothing()
      }
      const { changes, lastInsertRowid } = statement.run(...values)
      if (cached.countsNothing) return nothing()
      return { rows: [], changes: Number(changes), lastInsertRowid: narrowInteger(lastInsertRowid) }
    }
    if (cached.changesAndReturns) {
      const before = this.#counters()
      const rows = (statement.all(...values) as Row[]).map(narrowIntegers)
      const after = this.#counters()
      // changes() keeps the count of an earlier statement when this one (`WITH … SELECT`) changed nothing.
      const changes = after.total === before.total ? 0 : after.changes
      return { rows, changes, lastInsertRowid: after.id }
    }
    return { rows: readRows(statement, values), changes: 0, lastInsertRowid: 0 }
  }

  exec(sql: string): void {
    this.db.exec(sql)
  }

  /** The integer that a pragma answers with. */
  pragma(name: string): number {
    const row = this.db.prepare(`PRAGMA ${name}`).get()
    return Number(row === undefined ? Number.NaN : Object.values(row)[0])
  }

  close(): void {
    this.#statements.clear()
    this.#controls.clear()
    if (this.db.isOpen) this.db.close() // what failed half-way is closed again when it is given up
  }

  #counters(): { changes: number; total: number; id: number | bigint } {
    const { statement } = this.#prepare(
      'SELECT changes() AS changes, total_changes() AS total, last_insert_rowid() AS id',
    )
    statement.setReadBigInts(true)
    const row = statement.get()
    return { changes: Number(row?.changes), total: Number(row?.total), id: narrowInteger(row?.id as bigint) }
  }

  #prepare(sql: string): CachedStatement {
    const known = this.#statements.get(sql)
    if (known) return known
    guardText(sql)
    const statement = this.db.prepare(sql)
    refuseRest(sql.slice(statement.sourceSQL.length))
    const returnsRows = statement.columns().length > 0
    const changesAndReturns = returnsRows && !this.#readOnly && !mayOnlyRead(sql)
    // It is run once: what a number cannot hold must not be found out afterwards, nor be rounded.
    if (!returnsRows || changesAndReturns) statement.setReadBigInts(true)
    const cached = {
      statement,
      returnsRows,
      changesAndReturns,
      countsNothing: !mayChangeRows(sql),
      stepsWithoutRows: !returnsRows && /^\s*pragma\b/i.test(sql),
    }
    if (this.#statements.size >= MAX_CACHED_STATEMENTS) {
      const oldest = this.#statements.keys().next()
      if (!oldest.done) this.#statements.delete(oldest.value)
    }
    this.#statements.set(sql, cached)
    return cached
  }
}

/**
 * Whether a statement looks as if it only read. A guess by its first word, which saves a request or a second run;
 * what decides is a connection that cannot write.
 */
export function mayOnlyRead(sql: string): boolean {
  return /^\s*(select|values|explain|pragma)\b/i.test(sql)
}

function mayChangeRows(sql: string): boolean {
  return !/^\s*(create|alter|drop|reindex|analyze|savepoint|release|rollback)\b/i.test(withoutComments(sql))
}

/** node:sqlite would leave out everything after the first statement without a word. */
function refuseRest(rest: string): void {
  if (/^[\s;]*$/.test(withoutComments(rest))) return
  throw new SqliteStoreError(
    'ONE_STATEMENT',
    `only one statement can be run at a time, and "${rest.trim().slice(0, 100)}" follows the first: run it by itself`,
  )
}

/** Whether SQLite refused to write because the connection only reads. */
export function isReadOnlyRefusal(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === SQLITE_READONLY
}

function readRows(statement: StatementSync, values: SQLInputValue[]): Row[] {
  try {
    return statement.all(...values) as Row[]
  } catch (error) {
    // node:sqlite refuses to round an integer that a number cannot hold.
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_OUT_OF_RANGE')) throw error
    statement.setReadBigInts(true)
    try {
      return (statement.all(...values) as Row[]).map(narrowIntegers)
    } finally {
      statement.setReadBigInts(false)
    }
  }
}

function narrowIntegers(row: Row): Row {
  for (const [name, value] of Object.entries(row)) row[name] = narrow(value)
  return row
}

function narrow(value: SqlValue): SqlValue {
  return typeof value === 'bigint' ? narrowInteger(value) : value
}

function narrowInteger(value: number | bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}
