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
}

/** @param startsEmpty whether the tables came with the first write, not before */
export function expectations(rows: readonly Row[], startsEmpty: boolean): Expectations {
  const counters = new Map(COUNTERS.map((name) => [name, 0]))
  const tables = new Map<string, { rows: number; columns: number }>()
  let big: string[] = []
  let ops = ''
  const brief: string[] = []
  const full: string[] = []
  const see = () => {
    const state = `${ops}|${[...counters].map(([name, value]) => `${name}=${value}`).join()}|${big.join()}`
    const created = [...tables]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { rows, columns }]) => `${name}=${rows}/${columns}`)
    const empty = startsEmpty && brief.length === 0
    brief.push(empty ? EMPTY : state)
    full.push(empty ? EMPTY : `${state}|${created.join()}`)
  }
  see()
  for (const { seq, id, kind, arg } of rows) {
    const [one = '', two = '', three = ''] = arg.split(',')
    const add = (name: string, by: number) => counters.set(name, (counters.get(name) ?? 0) + by)
    if (kind === 'add') add(one, Number(two))
    if (kind === 'move') add(one, -Number(three))
    if (kind === 'move') add(two, Number(three))
    const table = tables.get(arg)
    if (kind === 'table') tables.set(tableOf(id), { rows: 0, columns: 1 })
    if (kind === 'drop') tables.delete(arg)
    if (kind === 'fill' && table) table.rows++
    if (kind === 'alter' && table) table.columns++
    if (kind === 'rename' && table) {
      tables.delete(arg)
      tables.set(tableOf(id), table)
    }
    if (kind === 'clear') big = []
    if (kind === 'big')
      for (let i = 0; i < Number(one); i++) big.push(`${2 * Math.floor(Number(two) / 2) + 6}${ending(id)}`)
    ops += `${ops ? ';' : ''}${seq}:${id}:${kind}:${arg}`
    see()
  }
  return { brief, full }
}
