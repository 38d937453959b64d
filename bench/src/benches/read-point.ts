import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openSqlite } from '@thaw/sqlite'
import { memoryStore } from '@thaw/store'
import { temporaryDirectory } from '@thaw/testing'
import { median, report } from '../report.ts'
import type { Bench } from './index.ts'

const ROWS = 10_000
const READS = 5_000
const ROUNDS = 41
const SELECT = 'SELECT id, v FROM t WHERE id = ?'

/**
 * Reading one row by its key within a request that has looked at the bucket already, beside node:sqlite on a file of
 * its own: one statement, prepared once, the row as an object, and an await for each read, as a caller has with ours. There
 * each statement is a transaction of its own, as it is for whoever begins none; ours stays in one on the published
 * state.
 */
export const readPoint: Bench = {
  names: ['read.point'],
  async run() {
    await using directory = await temporaryDirectory('thaw-bench')
    const plain = new DatabaseSync(join(directory.path, 'plain.db'))
    const db = await openSqlite({ store: memoryStore(), directory: directory.path })
    try {
      const create = 'CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)'
      const insert = 'INSERT INTO t(v) VALUES (?)'
      plain.exec(`PRAGMA journal_mode = WAL; ${create}; BEGIN`)
      await db.atomic((tx) => {
        tx.execute(create)
        for (let i = 0; i < ROWS; i++) {
          tx.execute(insert, [`value ${i}`])
          plain.prepare(insert).run(`value ${i}`)
        }
      })
      plain.exec('COMMIT')
      const statement = plain.prepare(SELECT)
      const plainly = async (id: number) => statement.all(id)

      const ours: number[] = []
      const theirs: number[] = []
      for (let round = 0; round < ROUNDS; round++) {
        theirs.push(await readsPerSecond(async (id) => (await plainly(id)).length))
        await db.around({ requestId: 'bench', deadline: Date.now() + 60_000 }, async () => {
          await db.execute(SELECT, [1]) // looks at the bucket
          ours.push(await readsPerSecond(async (id) => (await db.execute(SELECT, [id])).rows.length))
        })
      }
      report({
        bench: 'read.point',
        value: median(ours),
        unit: 'reads/s',
        reference: {
          what: 'node:sqlite, a prepared statement with an await for each read',
          value: median(theirs),
        },
      })
    } finally {
      await db.close()
      plain.close()
    }
  },
}

async function readsPerSecond(read: (id: number) => Promise<number>): Promise<number> {
  const started = performance.now()
  for (let i = 0; i < READS; i++) {
    if ((await read(((i * 7_919) % ROWS) + 1)) !== 1) throw new Error('a row was not found')
  }
  return (READS * 1_000) / (performance.now() - started)
}
