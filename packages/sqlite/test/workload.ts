import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import type { SeededRandom } from '@thaw/testing'
import type { SqliteDatabase } from '../src/index.ts'

/** One change of a database. */
export interface Step {
  readonly name: string
  /** Statements of one transaction, or one that runs by itself. */
  readonly statements: readonly (readonly [sql: string, ...parameters: SQLInputValue[]])[]
  /** Thrown away after its statements have run. */
  readonly fails?: boolean
  /** Runs outside of any transaction. */
  readonly alone?: boolean
}

const SCHEMA = [
  `CREATE TABLE item (
     id INTEGER PRIMARY KEY, name TEXT NOT NULL, amount REAL, body BLOB,
     shout TEXT GENERATED ALWAYS AS (upper(name)) VIRTUAL,
     size INTEGER GENERATED ALWAYS AS (length(body)) STORED
   )`,
  'CREATE INDEX item_name ON item(name)',
  'CREATE INDEX item_large ON item(size, lower(name)) WHERE size > 100',
  'CREATE TABLE pair (a TEXT, b INTEGER, v BLOB, PRIMARY KEY (a, b)) WITHOUT ROWID',
  'CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT, item INTEGER)',
  "CREATE VIRTUAL TABLE words USING fts5(name, content = 'item', content_rowid = 'id')",
  `CREATE TRIGGER item_added AFTER INSERT ON item BEGIN
     INSERT INTO words(rowid, name) VALUES (new.id, new.name);
     INSERT INTO log(what, item) VALUES ('added', new.id);
   END`,
  `CREATE TRIGGER item_removed AFTER DELETE ON item BEGIN
     INSERT INTO words(words, rowid, name) VALUES ('delete', old.id, old.name);
     INSERT INTO log(what, item) VALUES ('removed', old.id);
   END`,
  `CREATE TRIGGER item_renamed AFTER UPDATE OF name ON item BEGIN
     INSERT INTO words(words, rowid, name) VALUES ('delete', old.id, old.name);
     INSERT INTO words(rowid, name) VALUES (new.id, new.name);
   END`,
  'CREATE VIEW totals AS SELECT substr(name, 1, 3) AS word, count(*) AS n, sum(size) AS size FROM item GROUP BY 1',
]

const WORDS = ['rent', 'salary', 'coffee', 'müsli 🥣', 'transfer', 'card payment', 'a', 'zebra']

/** An endless random workload: the schema first, then changes of data and of the schema. */
export function* workload(random: SeededRandom, pageSize: number): Generator<Step> {
  yield { name: 'schema', statements: SCHEMA.map((sql) => [sql]) }
  const extras: string[] = []
  for (let n = 1; ; n++) {
    const kind = random.pick(KINDS)
    if (kind === 'create') {
      extras.push(`extra_${n}`)
      const sql = `CREATE TABLE extra_${n} (k TEXT UNIQUE, v, CHECK (k <> ''))`
      const row = [
        `INSERT INTO extra_${n} VALUES (?, ?)`,
        `k${n}`,
        random.bytes(random.integer(0, 300)),
      ] as const
      yield { name: kind, statements: [[sql], row] }
    } else if (kind === 'alter') {
      const table = extras.pop()
      if (!table) continue
      const altered = [`ALTER TABLE ${table} ADD COLUMN c${n} DEFAULT 'd'`]
      const renamed = [`ALTER TABLE ${table} RENAME COLUMN v TO v${n}`]
      const dropped = [`DROP TABLE ${table}`]
      const after = [`ALTER TABLE ${table} RENAME TO done_${n}`]
      const statements = random.pick([[altered, renamed, after], [altered, after], [dropped]])
      yield { name: kind, statements: statements as unknown as Step['statements'] }
    } else if (kind === 'lone') {
      const sql = random.pick([
        'VACUUM',
        'PRAGMA incremental_vacuum(3)',
        'PRAGMA incremental_vacuum',
        'ANALYZE',
      ])
      yield { name: sql, statements: [[sql]], alone: true }
    } else yield { name: kind, statements: data(kind, random, pageSize, n), fails: random.chance(0.1) }
  }
}

const KINDS = [
  ...['insert', 'insert', 'insert', 'pairs', 'update', 'rename', 'delete', 'clear'],
  ...['create', 'alter', 'lone', 'meta', 'index'],
]

function data(kind: string, random: SeededRandom, pageSize: number, n: number): Step['statements'] {
  const modulo = random.integer(2, 7)
  /** Now and then larger than a page, so that it overflows onto others. */
  const blob = () => random.bytes(random.integer(0, random.chance(0.1) ? 3 * pageSize : 200))
  const name = () => `${random.pick(WORDS)} ${random.integer(1, 999)}`
  const many = (most: number) => Array.from({ length: random.integer(1, most) })
  if (kind === 'insert') {
    const sql = 'INSERT INTO item(name, amount, body) VALUES (?, ?, ?)'
    return many(30).map(() => [sql, name(), random.next() * 1000, blob()])
  }
  if (kind === 'pairs') {
    const sql = 'INSERT INTO pair VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET v = excluded.v'
    return many(30).map(() => [sql, random.pick(WORDS), random.integer(1, 50), blob()])
  }
  if (kind === 'update') return [['UPDATE item SET body = ? WHERE id % ? = 0', blob(), modulo]]
  if (kind === 'rename') return [["UPDATE item SET name = name || ' again' WHERE id % ? = 0", modulo * 3]]
  if (kind === 'delete') {
    return [
      ['DELETE FROM item WHERE id % ? = 0', modulo],
      ['DELETE FROM pair WHERE b % ? = 0', modulo],
    ]
  }
  if (kind === 'clear')
    return [random.chance(0.3) ? ['DELETE FROM item'] : ['DELETE FROM log WHERE id % 2 = 0']]
  if (kind === 'index') return [['DROP INDEX item_name'], ['CREATE INDEX item_name ON item(name, amount)']]
  return [[`PRAGMA user_version = ${n}`], ["INSERT INTO words(words) VALUES ('optimize')"], ['REINDEX item']]
}

const ON_PURPOSE = new Error('on purpose')

/** Performs a step through the database under test. */
export async function perform(db: SqliteDatabase, step: Step): Promise<void> {
  if (step.alone) {
    for (const [sql, ...parameters] of step.statements) await db.execute(sql, parameters)
    return
  }
  const done = db.atomic((tx) => {
    for (const [sql, ...parameters] of step.statements) tx.execute(sql, parameters)
    if (step.fails) throw ON_PURPOSE
  })
  await done.catch((error) => {
    if (error !== ON_PURPOSE) throw error
  })
}

/** Performs a step on SQLite itself, the independent truth. */
export function performPlainly(db: DatabaseSync, step: Step): void {
  if (!step.alone) db.exec('BEGIN')
  for (const [sql, ...parameters] of step.statements) db.prepare(sql).all(...parameters)
  if (!step.alone) db.exec(step.fails ? 'ROLLBACK' : 'COMMIT')
}

type Query = (sql: string) => Record<string, unknown>[]

/** Everything in a database that SQL can see, row for row, with its soundness. */
export function contentsOf(query: Query): unknown {
  const plain = (sql: string) =>
    query(sql).map((row) => Object.fromEntries(Object.entries(row).map(([name, v]) => [name, printable(v)])))
  const schema = plain('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name')
  const rows = schema
    .filter(({ type }) => type === 'table' || type === 'view')
    // ANALYZE writes in the order in which a connection happens to keep its schema.
    .map(({ name }) => [
      name,
      plain(`SELECT * FROM "${name}"${name === 'sqlite_stat1' ? ' ORDER BY 1, 2' : ''}`),
    ])
  return {
    schema,
    rows,
    found: plain("SELECT rowid, name FROM words('coffee OR müsli') ORDER BY rowid"),
    version: plain('PRAGMA user_version'),
    integrity: plain('PRAGMA integrity_check'),
  }
}

function printable(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value
}

export async function contents(db: SqliteDatabase): Promise<unknown> {
  return db.read((reader) => contentsOf((sql) => reader.execute(sql).rows))
}

export function contentsOfFile(path: string): unknown {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    return contentsOf((sql) => db.prepare(sql).all())
  } finally {
    db.close()
  }
}
