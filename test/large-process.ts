import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { exportDatabase, forkDatabase, importDatabase, maintain, openSqlite } from '@thaw/sqlite'
import { openStore } from '@thaw/store'

// One operation on a large database in a process of its own: node large-process.ts WORK, as JSON. Prints what came
// out and the most memory that the process ever had.

export type Work =
  | { readonly do: 'generate'; readonly path: string; readonly bytes: number; readonly pageSize: number }
  /** The same changes to a plain file, or to the database. */
  | { readonly do: 'change'; readonly path: string }
  | { readonly do: 'commit'; readonly url: string; readonly directory: string }
  | { readonly do: 'import'; readonly url: string; readonly path: string }
  | { readonly do: 'snapshot'; readonly url: string }
  | { readonly do: 'export'; readonly url: string; readonly path: string }
  | { readonly do: 'fork'; readonly url: string; readonly to: string }
  /** A digest of all rows: of a file, or of the database after a restore. */
  | { readonly do: 'digest'; readonly path: string }
  | { readonly do: 'restore'; readonly url: string; readonly directory: string }

export interface Outcome {
  readonly value: unknown
  /** Peak of the resident memory, bytes. */
  readonly peakBytes: number
}

const ROW_BYTES = 3_600
const ROWS_AT_ONCE = 500
const COLUMNS = 'SELECT id, owner, v FROM t'

async function perform(work: Work): Promise<unknown> {
  switch (work.do) {
    case 'generate':
      return generate(work)
    case 'change': {
      const db = new DatabaseSync(work.path)
      for (const [sql, ...parameters] of changes()) db.prepare(sql).run(...parameters)
      return db.close()
    }
    case 'commit': {
      const db = await openSqlite({ store: openStore(work.url), directory: work.directory })
      for (const [sql, ...parameters] of changes()) await db.execute(sql, parameters)
      await db.close()
      return db.position
    }
    case 'import':
      return importDatabase(sourceOf(work.url), work.path)
    case 'snapshot': {
      const [never, always] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
      const compactAfterMs = { 1: never, 2: never, 3: never }
      const policy = { snapshotAfterMs: always, compactAfterMs, compactAtFiles: never }
      return (await maintain(sourceOf(work.url), { policy })).created
    }
    case 'export':
      return (await exportDatabase(sourceOf(work.url), work.path)).txid
    case 'fork':
      return (await forkDatabase(sourceOf(work.url), sourceOf(work.to))).from
    case 'digest': {
      const db = new DatabaseSync(work.path, { readOnly: true })
      const hash = createHash('sha256')
      const after = db.prepare(`${COLUMNS} WHERE id > ? ORDER BY id LIMIT ${ROWS_AT_ONCE}`)
      digest(hash, (id) => after.all(id) as unknown as Row[])
      return hash.digest('hex')
    }
    case 'restore': {
      const db = await openSqlite({ store: openStore(work.url), directory: work.directory })
      const hash = createHash('sha256')
      const sql = `${COLUMNS} WHERE id > ? ORDER BY id LIMIT ${ROWS_AT_ONCE}`
      await db.read((reader) => digest(hash, (id) => reader.execute(sql, [id]).rows as unknown as Row[]))
      const [found] = (await db.execute('PRAGMA integrity_check')).rows
      await db.close()
      if (found?.integrity_check !== 'ok')
        throw new Error(`the integrity check says ${JSON.stringify(found)}`)
      return hash.digest('hex')
    }
  }
}

interface Row {
  readonly id: number
  readonly owner: number
  readonly v: Uint8Array
}

function digest(hash: ReturnType<typeof createHash>, after: (id: number) => readonly Row[]): void {
  for (let last = 0; ; ) {
    const rows = after(last)
    for (const { id, owner, v } of rows) hash.update(`${id} ${owner} ${v.length}`).update(v)
    const end = rows.at(-1)
    if (!end) return
    last = end.id
  }
}

/** Rows that compress to about half, and an index over a column in random order. */
function generate({ path, bytes, pageSize }: Extract<Work, { do: 'generate' }>): number {
  const pool = noise(1024 * 1024 + ROW_BYTES)
  const db = new DatabaseSync(path)
  db.exec(`PRAGMA page_size = ${pageSize}; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF`)
  db.exec(
    'CREATE TABLE t(id INTEGER PRIMARY KEY, owner INTEGER, v BLOB); CREATE INDEX by_owner ON t(owner); BEGIN',
  )
  const insert = db.prepare('INSERT INTO t(owner, v) VALUES (?, ?)')
  const rows = Math.ceil(bytes / ROW_BYTES)
  const v = new Uint8Array(ROW_BYTES)
  for (let i = 0; i < rows; i++) {
    const at = (i * 7919) % (1024 * 1024)
    v.set(pool.subarray(at, at + ROW_BYTES / 2))
    insert.run((i * 48_271) % 2_147_483_647, v)
  }
  db.exec('COMMIT')
  db.close()
  return rows
}

function noise(length: number): Uint8Array {
  const blocks: Uint8Array[] = []
  for (let i = 0; i * 32 < length; i++) blocks.push(createHash('sha256').update(`noise ${i}`).digest())
  return Buffer.concat(blocks).subarray(0, length)
}

function changes(): (readonly [string, ...number[]])[] {
  return Array.from(
    { length: 10 },
    (_, i) => ['UPDATE t SET owner = -owner WHERE id % 9973 = ?', i * 31] as const,
  )
}

function sourceOf(url: string) {
  return { store: openStore(url), description: new URL(url).pathname }
}

const work: Work = JSON.parse(process.argv[2] ?? 'null')
const value = await perform(work)
const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
const outcome: Outcome = { value, peakBytes: Number(peak) * 1024 }
process.stdout.write(JSON.stringify(outcome), () => process.exit(0))
