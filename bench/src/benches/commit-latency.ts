import { openSqlite } from '@thaw/sqlite'
import { openStore } from '@thaw/store'
import { startS3Server, temporaryDirectory } from '@thaw/testing'
import { median, report, timed } from '../report.ts'
import type { Bench } from './index.ts'

const PUT_MS = 20
const WARM_UP = 30
const ROUNDS = 15
const PER_ROUND = 20

/** A one-row transaction, beside a bare conditional PUT of as many bytes to the same server by the same client. */
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
      const bytes = await lastObject(store)
      let name = 0
      const put = async () => {
        const { outcome } = await bare.put(`${++name}`, bytes, { ifAbsent: true })
        if (outcome !== 'stored') throw new Error(`the bare put ended in '${outcome}'`)
      }
      for (let i = 0; i < WARM_UP; i++) await put()

      const commits: number[] = []
      const puts: number[] = []
      const commitWork: number[] = []
      const putWork: number[] = []
      for (let round = 0; round < ROUNDS; round++) {
        putWork.push(
          await work(async () => {
            for (let i = 0; i < PER_ROUND; i++) puts.push(await timed(put))
          }),
        )
        commitWork.push(
          await work(async () => {
            for (let i = 0; i < PER_ROUND; i++) commits.push(await timed(commit))
          }),
        )
      }
      report({
        bench: 'commit.latency',
        value: median(commits),
        unit: 'ms',
        reference: {
          what: `a bare PUT of ${bytes.length} bytes that takes ${PUT_MS} ms`,
          value: median(puts),
        },
      })
      report({
        bench: 'commit.cpu',
        value: median(commitWork) / PER_ROUND,
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

async function lastObject(store: ReturnType<typeof openStore>): Promise<Uint8Array> {
  let last = ''
  for await (const { key } of store.list('0000/')) last = key
  const object = await store.get(last)
  if (!object) throw new Error('the database left no object in the bucket')
  return object.body
}
