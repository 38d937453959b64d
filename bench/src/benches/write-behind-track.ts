import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openSqlite } from '@thaw/sqlite'
import { memoryStore } from '@thaw/store'
import { temporaryDirectory } from '@thaw/testing'
import { median, report } from '../report.ts'
import type { Bench } from './index.ts'

const WRITES = 2_000
const ROUNDS = 31
const CREATE = 'CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)'
const INSERT = 'INSERT INTO t(v) VALUES (?)'

/**
 * A one-row transaction in write-behind mode that is acknowledged and counted but not persisted, beside node:sqlite on
 * a file of its own with the same settings: WAL, not synced, one prepared statement in an explicit transaction, and an
 * await for each, as a caller has with ours. What is left is the cost of tracking.
 */
export const writeBehindTrack: Bench = {
  names: ['writebehind.track'],
  async run() {
    await using directory = await temporaryDirectory('thaw-bench')
    const plain = new DatabaseSync(join(directory.path, 'plain.db'))
    const db = await openSqlite({
      store: memoryStore(),
      directory: directory.path,
      durability: 'write-behind',
      writeBehind: { writes: null },
    })
    try {
      plain.exec(
        `PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0; ${CREATE}`,
      )
      await db.execute(CREATE)
      const [begin, insert, commit] = ['BEGIN IMMEDIATE', INSERT, 'COMMIT'].map((sql) => plain.prepare(sql))
      const plainly = async () => {
        begin?.run()
        insert?.run('one row')
        commit?.run()
      }
      const tracked = () => db.execute(INSERT, ['one row'])
      const ours: number[] = []
      const theirs: number[] = []
      for (let round = 0; round < ROUNDS; round++) {
        theirs.push(await microsecondsPerWrite(plainly))
        ours.push(await microsecondsPerWrite(tracked))
        // Outside of what is measured; also keeps both logs small.
        await db.persist()
        plain.exec('PRAGMA wal_checkpoint(RESTART)')
      }
      report({
        bench: 'writebehind.track',
        value: median(ours),
        unit: 'µs',
        reference: {
          what: 'node:sqlite, prepared BEGIN, INSERT and COMMIT with an await',
          value: median(theirs),
        },
      })
    } finally {
      await db.close()
      plain.close()
    }
  },
}

async function microsecondsPerWrite(write: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  for (let i = 0; i < WRITES; i++) await write()
  return ((performance.now() - started) * 1_000) / WRITES
}
