import type { Reader, Transaction } from '../src/index.ts'

/**
 * The database that the workload keeps, and what it has to look like after any number of its writes. Every write
 * adds a row to `ops`, with a number one above the last and all that decides its effect, so that these rows alone
 * say what everything else in the database must be.
 */

/** One write, as its row in `ops` tells it. */
export interface Row {
  readonly seq: number
  readonly id: string
  readonly kind: WriteKind
  readonly arg: string
}

export type WriteKind =
  | 'add'
  | 'move'
  | 'put'
  | 'table'
  | 'drop'
  | 'fill'
  | 'alter'
  | 'rename'
  | 'index'
  | 'big'
  | 'clear'
  /** No write of a client: the database got the state again that it had after the write in `arg`, counted from 1. */
  | 'restore'

export const TABLES = [
  'CREATE TABLE ops (seq INTEGER PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, arg TEXT NOT NULL)',
  'CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID',
  "INSERT INTO counters VALUES ('a', 0), ('b', 0), ('c', 0)",
  'CREATE TABLE big (id TEXT NOT NULL, data TEXT NOT NULL)',
]
export const COUNTERS = ['a', 'b', 'c']

/** What a database without any table looks like. */
export const EMPTY = ''

/** One statement that shows almost everything: what `expectations` calls `brief`. */
export const OBSERVE = `SELECT
  (SELECT coalesce(group_concat(seq || ':' || id || ':' || kind || ':' || arg, ';' ORDER BY seq), '') FROM ops)
  || '|' || (SELECT group_concat(name || '=' || value, ',' ORDER BY name) FROM counters)
  || '|' || (SELECT coalesce(group_concat(length(data) || substr(data, -6), ',' ORDER BY rowid), '') FROM big)
  AS state`
const CREATED = `SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 't_*' ORDER BY name`

/** Everything that can be seen: what `expectations` calls `full`. */
export function observe(reader: Reader): string {
  if (!hasTables(reader)) return EMPTY
  const brief = String(reader.execute(OBSERVE).rows[0]?.state)
  const created = createdTables(reader).map((name) => `${name}=${shape(reader, name)}`)
  return `${brief}|${created.join()}`
}

export function hasTables(reader: Reader): boolean {
  return reader.execute("SELECT 1 FROM sqlite_schema WHERE name = 'ops'").rows.length > 0
}

export function createdTables(reader: Reader): string[] {
  return reader.execute(CREATED).rows.map(({ name }) => String(name))
}

/** Rows and columns. A row shows its columns as the statement has them that was prepared before the table changed. */
function shape(reader: Reader, table: string): string {
  const { rows } = reader.execute(`SELECT * FROM ${table}`)
  const [first] = rows
  const columns = first
    ? Object.keys(first).length
    : Number(reader.execute('SELECT count(*) AS n FROM pragma_table_info(?)', [table]).rows[0]?.n)
  return `${rows.length}/${columns}`
}

/** What `observe` saw of the tables that writes have made: rows and columns, by name. */
export function tablesIn(full: string): ReadonlyMap<string, string> {
  const tables = full.split('|')[3] ?? ''
  return new Map(tables.split(',').flatMap((one) => (one ? [one.split('=') as [string, string]] : [])))
}

/** The number of the last write, and how many rows a table has, in one statement. */
export function countRows(table: string): string {
  return `SELECT (SELECT coalesce(max(seq), 0) FROM ops) AS seq, (SELECT count(*) FROM ${table}) AS n`
}

/** Applies a write; makes the tables first when there are none. `arg` is filled in where the state decides it. */
export function write(tx: Transaction, id: string, kind: WriteKind, arg: string): number {
  if (!hasTables(tx)) for (const sql of TABLES) tx.execute(sql)
  const done = apply(tx, id, kind, arg)
  const { rows } = tx.execute('INSERT INTO ops (id, kind, arg) VALUES (?, ?, ?) RETURNING seq', [
    id,
    kind,
    done,
  ])
  return Number(rows[0]?.seq)
}

function apply(tx: Transaction, id: string, kind: WriteKind, arg: string): string {
  const [one = '', two = '', three = ''] = arg.split(',')
  const add = (name: string, by: number) =>
    tx.execute('UPDATE counters SET value = value + ? WHERE name = ?', [by, name])
  switch (kind) {
    case 'add':
      add(one, Number(two))
      return arg
    case 'move':
      add(one, -Number(three))
      add(two, Number(three))
      return arg
    case 'table':
      tx.execute(`CREATE TABLE ${tableOf(id)} (id TEXT)`)
      return arg
    case 'drop': {
      const [name = ''] = createdTables(tx)
      if (name) tx.execute(`DROP TABLE ${name}`)
      return name
    }
    case 'fill': {
      const name = createdTables(tx).at(-1) ?? ''
      if (name) tx.execute(`INSERT INTO ${name} (id) VALUES (?)`, [id])
      return name
    }
    case 'alter': {
      const name = createdTables(tx).at(-1) ?? ''
      if (name) tx.execute(`ALTER TABLE ${name} ADD COLUMN c_${tableOf(id)} DEFAULT 'new'`)
      return name
    }
    case 'rename': {
      const name = createdTables(tx).at(-1) ?? ''
      if (name) tx.execute(`ALTER TABLE ${name} RENAME TO ${tableOf(id)}`)
      return name
    }
    case 'index': {
      const name = createdTables(tx).at(-1) ?? ''
      if (name) tx.execute(`CREATE INDEX i_${tableOf(id)} ON ${name} (id)`)
      return name
    }
    case 'big': {
      const insert = "INSERT INTO big VALUES (?, replace(hex(zeroblob(? / 2)), '0', 'x') || ?)"
      for (let i = 0; i < Number(one); i++) tx.execute(insert, [id, Number(two), ending(id)])
      return arg
    }
    case 'clear':
      tx.execute('DELETE FROM big')
      return arg
    case 'put':
    case 'restore':
      return arg
  }
}

export function tableOf(id: string): string {
  return `t_${id.replaceAll(/\W/g, '_')}`
}

function ending(id: string): string {
  return `-${id}`.padStart(6, '-').slice(-6)
}

/** What the first so many of the writes lead to, for each number from 0 on. */
export interface Expectations {
  readonly brief: readonly string[]
  readonly full: readonly string[]
  /** How many rows `ops` has. */
  readonly counts: readonly number[]
}

/** What can be seen of a database. */
class Look {
  ops: readonly Row[] = []
  counters = new Map(COUNTERS.map((name) => [name, 0]))
  tables = new Map<string, { readonly rows: number; readonly columns: number }>()
  big: readonly string[] = []

  /** What is never changed in place is shared. */
  copy(): Look {
    const { ops, counters, tables, big } = this
    return Object.assign(new Look(), { ops, counters: new Map(counters), tables: new Map(tables), big })
  }

  apply(row: Row): void {
    const { id, kind, arg } = row
    const { counters, tables } = this
    const [one = '', two = '', three = ''] = arg.split(',')
    const add = (name: string, by: number) => counters.set(name, (counters.get(name) ?? 0) + by)
    if (kind === 'add') add(one, Number(two))
    if (kind === 'move') add(one, -Number(three))
    if (kind === 'move') add(two, Number(three))
    const table = tables.get(arg)
    if (kind === 'table') tables.set(tableOf(id), { rows: 0, columns: 1 })
    if (kind === 'drop') tables.delete(arg)
    if (kind === 'fill' && table) tables.set(arg, { ...table, rows: table.rows + 1 })
    if (kind === 'alter' && table) tables.set(arg, { ...table, columns: table.columns + 1 })
    if (kind === 'rename' && table) {
      tables.delete(arg)
      tables.set(tableOf(id), table)
    }
    if (kind === 'clear') this.big = []
    if (kind === 'big') {
      const value = `${2 * Math.floor(Number(two) / 2) + 6}${ending(id)}`
      this.big = [...this.big, ...Array.from({ length: Number(one) }, () => value)]
    }
    this.ops = [...this.ops, row]
  }

  get brief(): string {
    const ops = this.ops.map(({ seq, id, kind, arg }) => `${seq}:${id}:${kind}:${arg}`).join(';')
    return `${ops}|${[...this.counters].map(([name, value]) => `${name}=${value}`).join()}|${this.big.join()}`
  }

  get full(): string {
    const tables = [...this.tables]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { rows, columns }]) => `${name}=${rows}/${columns}`)
    return `${this.brief}|${tables.join()}`
  }
}

/** @param startsEmpty whether the tables came with the first write, not before */
export function expectations(rows: readonly Row[], startsEmpty: boolean): Expectations {
  const looks = [new Look()]
  for (const row of rows) {
    const before = row.kind === 'restore' ? looks[Number(row.arg)] : looks.at(-1)
    const look = (before ?? new Look()).copy()
    if (row.kind !== 'restore') look.apply(row)
    looks.push(look)
  }
  const isEmpty = ({ ops }: Look) => startsEmpty && ops.length === 0
  return {
    brief: looks.map((look) => (isEmpty(look) ? EMPTY : look.brief)),
    full: looks.map((look) => (isEmpty(look) ? EMPTY : look.full)),
    counts: looks.map(({ ops }) => ops.length),
  }
}

/** The ids of the rows of `ops` after so many of the writes, for each number from 0 on. */
export function kept(rows: readonly Row[]): readonly ReadonlySet<string>[] {
  const sets: ReadonlySet<string>[] = [new Set()]
  for (const { id, kind, arg } of rows) {
    const before = sets.at(-1) ?? new Set()
    sets.push(kind === 'restore' ? (sets[Number(arg)] ?? new Set()) : new Set(before).add(id))
  }
  return sets
}
