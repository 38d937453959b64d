import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openSqlite } from '@thaw/sqlite'
import { type ObjectStore, openStore } from '@thaw/store'
import { seededRandom, temporaryDirectory } from '@thaw/testing'
import { median, report, timed } from '../report.ts'
import { startBenchServer } from '../server/server.ts'
import type { Bench } from './index.ts'

const SIZES = [
  { megabytes: 10, rounds: 15 },
  { megabytes: 200, rounds: 5 },
]
const PUT_MS = 20
const GET_MS = 10
const ROW_BYTES = 20_000

/**
 * A one-row commit, beside the same row in a plain file that is then uploaded whole: the way of those who keep a
 * database file in a bucket. Bytes cost what the loopback of this machine takes; over a network they cost more.
 */
export const commitWholeFile: Bench = {
  names: SIZES.map(({ megabytes }) => `commit.wholefile.${megabytes}mb`),
  async run() {
    const server = await startBenchServer({
      putMs: PUT_MS,
      getMs: GET_MS,
      jitter: 0,
      seed: 'commit.wholefile',
    })
    try {
      for (const { megabytes, rounds } of SIZES) {
        const store = openStore(server.urlOf(`${megabytes}mb`), server.env)
        const bare = openStore(server.urlOf(`${megabytes}mb-file`), server.env)
        try {
          await measure(store, bare, megabytes, rounds)
        } finally {
          await store.close()
          await bare.close()
        }
      }
    } finally {
      await server.close()
    }
  },
}

async function measure(store: ObjectStore, bare: ObjectStore, megabytes: number, rounds: number) {
  await using directory = await temporaryDirectory('thaw-bench')
  const path = join(directory.path, 'plain.db')
  const plain = new DatabaseSync(path)
  const db = await openSqlite({ store, directory: directory.path })
  try {
    const random = seededRandom(megabytes)
    const rows = Math.floor((megabytes * 1_000_000) / (ROW_BYTES + 480))
    const create = 'CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)'
    const insert = 'INSERT INTO t(v) VALUES (?)'
    plain.exec(`${create}; BEGIN`)
    await db.atomic((tx) => {
      tx.execute(create)
      for (let i = 0; i < rows; i++) {
        const row = random.bytes(ROW_BYTES)
        tx.execute(insert, [row])
        plain.prepare(insert).run(row)
      }
    })
    plain.exec('COMMIT')

    const commit = () => db.atomic((tx) => tx.execute(insert, ['one row']))
    const upload = async () => {
      plain.prepare(insert).run('one row')
      await bare.put('app.db', await readFile(path))
    }
    const commits: number[] = []
    const uploads: number[] = []
    await commit()
    for (let round = 0; round < rounds; round++) {
      uploads.push(await timed(upload))
      commits.push(await timed(commit))
    }
    report({
      bench: `commit.wholefile.${megabytes}mb`,
      value: median(commits),
      unit: 'ms',
      reference: { what: 'the same by uploading the whole file', value: median(uploads) },
    })
  } finally {
    await db.close()
    plain.close()
  }
}
