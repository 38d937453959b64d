import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openSqlite } from '@thaw/sqlite'
import { openStore } from '@thaw/store'
import { seededRandom, temporaryDirectory } from '@thaw/testing'
import { median, report } from '../report.ts'
import { type BenchServer, startBenchServer } from '../server/server.ts'
import type { Bench } from './index.ts'

const ROUNDS = 7
const COMMITS_AFTER = 100
const ROW_BYTES = 3_800
/** What a Lambda function has of the network. */
const NETWORK_BYTES_PER_SECOND = 75_000_000
const PROGRAM = fileURLToPath(new URL('../restore/start.mjs', import.meta.url))

/**
 * A restore in a new process, 100 commits after everything was written, of data that compresses to half, beside a raw
 * parallel download of the same objects in another new process.
 */
export const restore: Bench = {
  names: ['restore.50mb', 'restore.50mb.unthrottled'],
  async run() {
    const half = { putMs: 0, getMs: 2, jitter: 0, seed: 'restore' }
    await measure('restore.50mb', { ...half, bytesPerSecond: NETWORK_BYTES_PER_SECOND })
    await measure('restore.50mb.unthrottled', half)
  },
}

async function measure(bench: string, options: Parameters<typeof startBenchServer>[0]): Promise<void> {
  await using directory = await temporaryDirectory('thaw-bench')
  const server = await startBenchServer(options)
  try {
    await fill(server, directory.path)
    const ours: number[] = []
    const raw: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      raw.push(await inProcess('download', server, directory.path))
      ours.push(await inProcess('restore', server, directory.path))
    }
    const what = 'a raw parallel download of the same objects'
    report({ bench, value: median(ours), unit: 'ms', reference: { what, value: median(raw) } })
  } finally {
    await server.close()
  }
}

async function fill(server: BenchServer, directory: string): Promise<void> {
  const store = openStore(server.urlOf('database'), server.env)
  const db = await openSqlite({ store, directory })
  try {
    const random = seededRandom('restore')
    const rows = Math.floor(50_000_000 / 4_000)
    await db.atomic((tx) => {
      tx.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)')
      const half = new Uint8Array(ROW_BYTES)
      for (let i = 0; i < rows; i++) {
        half.set(random.bytes(ROW_BYTES / 2))
        tx.execute('INSERT INTO t(v) VALUES (?)', [half])
      }
    })
    for (let i = 0; i < COMMITS_AFTER; i++) {
      await db.execute('UPDATE t SET v = ? WHERE id = ?', [random.bytes(100), random.integer(1, rows)])
    }
  } finally {
    await db.close()
    await store.close()
  }
}

/** Milliseconds, as the process itself measured them. */
async function inProcess(
  what: 'restore' | 'download',
  server: BenchServer,
  directory: string,
): Promise<number> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [PROGRAM, what, server.urlOf('database'), directory],
    {
      env: server.env,
    },
  )
  return Number(stdout)
}
