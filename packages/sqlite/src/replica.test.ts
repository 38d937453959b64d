import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writePages } from './page-file.ts'
import { type Capture, Replica } from './replica.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'thaw-test-replica-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

/** A change of a database: some write much, some undo themselves, some change the schema. */
const change = fc.oneof(
  fc.record({
    kind: fc.constant('insert' as const),
    rows: fc.integer({ min: 1, max: 40 }),
    size: fc.nat(3000),
  }),
  fc.record({
    kind: fc.constant('update' as const),
    modulo: fc.integer({ min: 1, max: 9 }),
    size: fc.nat(500),
  }),
  fc.record({ kind: fc.constant('delete' as const), modulo: fc.integer({ min: 2, max: 9 }) }),
  fc.record({
    kind: fc.constant('rollback' as const),
    rows: fc.integer({ min: 1, max: 200 }),
    size: fc.nat(3000),
  }),
  fc.record({ kind: fc.constant('schema' as const) }),
  fc.record({ kind: fc.constant('vacuum' as const) }),
)
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never

let serial = 0

function perform(db: DatabaseSync, step: Change): void {
  const insert = (rows: number, size: number) => {
    const statement = db.prepare('INSERT INTO t(v, b) VALUES (?, ?)')
    for (let i = 0; i < rows; i++) statement.run(`row ${i}`, Buffer.alloc(size, i))
  }
  if (step.kind === 'vacuum') {
    db.exec('VACUUM')
    return
  }
  db.exec('BEGIN IMMEDIATE')
  if (step.kind === 'insert') insert(step.rows, step.size)
  if (step.kind === 'update')
    db.prepare('UPDATE t SET b = zeroblob(?) WHERE id % ? = 0').run(step.size, step.modulo)
  if (step.kind === 'delete') db.prepare('DELETE FROM t WHERE id % ? = 0').run(step.modulo)
  if (step.kind === 'rollback') insert(step.rows, step.size)
  if (step.kind === 'schema') db.exec(`CREATE TABLE s${++serial}(a); CREATE INDEX i${serial} ON t(v, id)`)
  db.exec(step.kind === 'rollback' ? 'ROLLBACK' : 'COMMIT')
}

function start(path: string): Replica {
  const replica = new Replica(path)
  replica.writer.exec('PRAGMA cache_size = 10') // so that large transactions spill into the log before they commit
  replica.writer.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, b BLOB)')
  const first = replica.capture()
  if (!first) throw new Error('creating a table left no frames')
  replica.publish(first)
  return replica
}

function contents(path: string): unknown {
  const copy = `${path}.copy`
  copyFileSync(path, copy)
  const db = new DatabaseSync(copy)
  try {
    expect(
      db
        .prepare('PRAGMA integrity_check')
        .all()
        .map((row) => ({ ...row })),
    ).toEqual([{ integrity_check: 'ok' }])
    const tables = db.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all()
    return { tables, rows: db.prepare('SELECT * FROM t ORDER BY id').all() }
  } finally {
    db.close()
    for (const suffix of ['', '-wal', '-shm']) rmSync(copy + suffix, { force: true })
  }
}

/** What the replica publishes, as a closed file of its own. */
function published(replica: Replica): unknown {
  const path = join(directory, `published-${++serial}.db`)
  const snapshot = replica.acquire()
  snapshot.connection.execute('SELECT count(*) FROM t')
  const rows = snapshot.connection.execute('SELECT * FROM t ORDER BY id').rows
  const tables = snapshot.connection.execute('SELECT name, sql FROM sqlite_schema ORDER BY name').rows
  replica.release(snapshot)
  rmSync(path, { force: true })
  return { tables, rows }
}

test('what is captured, applied to another file, gives an equal database', () => {
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (steps) => {
      const path = join(directory, `source-${++serial}.db`)
      const shadow = join(directory, `shadow-${serial}.db`)
      const replica = new Replica(path)
      replica.writer.exec('PRAGMA cache_size = 10; CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, b BLOB)')
      const first = replica.capture()!
      writePages(shadow, replica.pageSize, replica.completePages(first), first.pageCount)
      replica.publish(first)
      for (const step of steps) {
        perform(replica.writer.db, step)
        const capture = replica.capture()
        if (!capture) continue
        writePages(shadow, replica.pageSize, capture.pages, capture.pageCount)
        replica.publish(capture)
        expect(contents(shadow)).toEqual(published(replica))
      }
      replica.discard()
      rmSync(shadow)
    }),
    { numRuns: 60 },
  )
})

test('an undone batch leaves the published state, whatever it did', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ steps: fc.array(change, { minLength: 1, maxLength: 4 }), keep: fc.boolean() }), {
        minLength: 1,
        maxLength: 8,
      }),
      (batches) => {
        const replica = start(join(directory, `undo-${++serial}.db`))
        let expected = published(replica)
        for (const { steps, keep } of batches) {
          for (const step of steps) perform(replica.writer.db, step)
          const capture = replica.capture()
          if (!capture) continue
          if (keep) {
            replica.publish(capture)
            expected = published(replica)
          } else {
            replica.rewrite(capture, [])
            replica.writer.exec('PRAGMA cache_size = 10')
          }
          expect(published(replica)).toEqual(expected)
          expect(replica.writer.execute('PRAGMA integrity_check').rows).toEqual([{ integrity_check: 'ok' }])
        }
        replica.discard()
      },
    ),
    { numRuns: 60 },
  )
})

test('readers stay on the published state until a batch is published', () => {
  const replica = start(join(directory, 'pin.db'))
  const count = () => replica.reader.execute('SELECT count(*) AS n FROM t').rows[0]?.n
  replica.pin()
  replica.writer.exec("INSERT INTO t(v) VALUES ('unpublished')")
  expect(count()).toBe(0)
  const during = replica.acquire()
  replica.publish(replica.capture()!)
  expect(count()).toBe(1)
  expect(during.connection.execute('SELECT count(*) AS n FROM t').rows[0]?.n).toBe(0)
  replica.release(during)
  replica.discard()
})

test('an undone schema change is forgotten by every connection', () => {
  const replica = start(join(directory, 'schema.db'))
  replica.pin()
  replica.writer.exec('CREATE TABLE mine(a)')
  replica.rewrite(replica.capture(), [])
  replica.writer.exec('CREATE TABLE theirs(b)')
  replica.publish(replica.capture()!)
  expect(() => replica.writer.execute('INSERT INTO mine VALUES (1)')).toThrow(/no such table: mine/)
  replica.writer.execute('INSERT INTO theirs VALUES (1)')
  replica.publish(replica.capture()!)
  expect(replica.reader.execute('SELECT b FROM theirs').rows).toEqual([{ b: 1 }])
  replica.discard()
})

test('the write-ahead log is folded into the file between batches, and undo still finds every page', () => {
  const replica = start(join(directory, 'checkpoint.db'))
  const insert = (n: number): Capture => {
    replica.pin()
    replica.writer.execute('INSERT INTO t(v, b) VALUES (?, zeroblob(300000))', [`${n}`])
    return replica.capture()!
  }
  for (let n = 0; n < 40; n++) replica.publish(insert(n))
  const before = published(replica)
  expect(replica.capture()).toBe(null)
  replica.rewrite(insert(99), [])
  expect(published(replica)).toEqual(before)
  replica.discard()
})
