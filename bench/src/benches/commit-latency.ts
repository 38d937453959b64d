import { openSqlite } from '@thaw/sqlite'
import { openStore, type StoredObject } from '@thaw/store'
import { startS3Server, temporaryDirectory } from '@thaw/testing'
import { median, report, timed } from '../report.ts'
import type { Bench } from './index.ts'

const PUT_MS = 20
/** Until nearly all of the code that takes part is compiled. */
const WARM_UP = 300
const ROUNDS = 20
const PER_ROUND = 20

/**
 * A one-row transaction, beside a bare PUT: the same request with as many bytes to the same server by the same client.
 *
 * `commit.cpu` is what the database adds to its PUT: the CPU time of this process (all threads, user and system, with
 * the compiler's and the collector's part) during commits, less that during as many bare PUTs in turns with them. It
 * is that of a process that waits 20 ms between two commits, whose code and data other programs have meanwhile
 * pushed out of the caches; with no wait between, the same work takes about a fifth.
 */
export const commitLatency: Bench = {
  names: ['commit.latency', 'commit.cpu'],
  async run() {
    await using directory = await temporaryDirectory('thaw-bench')
    const server = await startS3Server({ putLatencyMs: PUT_MS })
    const store = openStore(server.urlOf('database'), server.env)
    const bare = openStore(server.urlOf('bare'), server.env)
    const db = await openSqlite({ store, directory: directory.path })
    try {
      await db.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)')
      const commit = () => db.atomic((tx) => tx.execute('INSERT INTO t(v) VALUES (?)', ['one row']))
      for (let i = 0; i < WARM_UP; i++) await commit()
      const last = await lastObject(store)
      let number = 0
      const put = async () => {
        const key = last.key.replace(/[0-9a-f]{16}\.ltx$/, `${(++number).toString(16).padStart(16, '0')}.ltx`)
        const now = Date.now()
        const { outcome } = await bare.put(key, last.body, { ifAbsent: true, timestamp: now, signedAt: now })
        if (outcome !== 'stored') throw new Error(`the bare put ended in '${outcome}'`)
      }
      for (let i = 0; i < WARM_UP; i++) await put()

      const commits: number[] = []
      const puts: number[] = []
      const ownWork: number[] = []
      const putWork: number[] = []
      for (let round = 0; round < ROUNDS; round++) {
        const ofPuts = await work(async () => {
          for (let i = 0; i < PER_ROUND; i++) puts.push(await timed(put))
        })
        const ofCommits = await work(async () => {
          for (let i = 0; i < PER_ROUND; i++) commits.push(await timed(commit))
        })
        putWork.push(ofPuts)
        ownWork.push(ofCommits - ofPuts)
      }
      report({
        bench: 'commit.latency',
        value: median(commits),
        unit: 'ms',
        reference: {
          what: `a bare PUT of ${last.body.length} bytes that takes ${PUT_MS} ms`,
          value: median(puts),
        },
      })
      report({
        bench: 'commit.cpu',
        value: median(ownWork) / PER_ROUND,
        unit: 'ms',
        reference: { what: 'CPU time of the bare PUT', value: median(putWork) / PER_ROUND },
      })
    } finally {
      await db.close()
      await store.close()
      await bare.close()
      await server.close()
    }
  },
}

/** CPU time that this process took meanwhile, ms. */
async function work(fn: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await fn()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

async function lastObject(store: ReturnType<typeof openStore>): Promise<StoredObject> {
  let last = ''
  for await (const { key } of store.list('0000/')) last = key
  const object = await store.get(last)
  if (!object) throw new Error('the database left no object in the bucket')
  return object
}
