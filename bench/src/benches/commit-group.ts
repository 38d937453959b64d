import { openSqlite } from '@thaw/sqlite'
import { openStore } from '@thaw/store'
import { startS3Server, temporaryDirectory } from '@thaw/testing'
import { median, report } from '../report.ts'
import type { Bench } from './index.ts'

const PUT_MS = 20
const WRITERS = 64
const ROUNDS = 6
const ROUND_MS = 1_500

/** Concurrent writers in one process, which travel together, beside one writer alone. */
export const commitGroup: Bench = {
  names: [`commit.group${WRITERS}`],
  async run() {
    await using directory = await temporaryDirectory('thaw-bench')
    const server = await startS3Server({ putLatencyMs: PUT_MS })
    const store = openStore(server.url, server.env)
    const db = await openSqlite({ store, directory: directory.path })
    try {
      await db.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)')
      const commit = () => db.atomic((tx) => tx.execute('INSERT INTO t(v) VALUES (?)', ['one row']))
      const rateOf = async (writers: number) => {
        let committed = 0
        const started = performance.now()
        const write = async () => {
          for (; performance.now() - started < ROUND_MS; committed++) await commit()
        }
        await Promise.all(Array.from({ length: writers }, write))
        return (committed * 1_000) / (performance.now() - started)
      }
      await rateOf(WRITERS)
      const together: number[] = []
      const alone: number[] = []
      for (let round = 0; round < ROUNDS; round++) {
        alone.push(await rateOf(1))
        together.push(await rateOf(WRITERS))
      }
      report({
        bench: `commit.group${WRITERS}`,
        value: median(together),
        unit: 'tx/s',
        reference: { what: `one writer, with a PUT that takes ${PUT_MS} ms`, value: median(alone) },
      })
    } finally {
      await db.close()
      await store.close()
      await server.close()
    }
  },
}
