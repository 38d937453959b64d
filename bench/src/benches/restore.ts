import { execFile, spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { importDatabase, openSqlite } from '@thaw/sqlite'
import { openStore } from '@thaw/store'
import { seededRandom, temporaryDirectory } from '@thaw/testing'
import { makeFile } from '../data.ts'
import { median, report, timed } from '../report.ts'
import { type BenchServer, startBenchServer } from '../server/server.ts'
import type { Bench } from './index.ts'

const SIZES = [
  { name: '50mb', bytes: 50_000_000, rounds: 7 },
  { name: '500mb', bytes: 500_000_000, rounds: 3 },
] as const
const COMMITS_AFTER = 100
/** A row fills a page. */
const ROW_BYTES = 3_950
/** What a Lambda function has of the network. */
const NETWORK_BYTES_PER_SECOND = 75_000_000
const PROGRAM = fileURLToPath(new URL('../restore/start.mjs', import.meta.url))

/**
 * A restore in a new process, 100 commits after everything was written, of data that compresses to half: beside a raw
 * parallel download of the same objects in another new process, and beside `litestream restore` of them where that is
 * installed.
 */
export const restore: Bench = {
  names: SIZES.flatMap(({ name }) => [
    `restore.${name}`,
    `restore.${name}.unthrottled`,
    `restore.litestream.${name}`,
  ]),
  async run(wanted) {
    for (const size of SIZES) {
      const bench = `restore.${size.name}`
      await onServer(size, NETWORK_BYTES_PER_SECOND, wanted, [[bench, besideDownload]])
      await onServer(size, undefined, wanted, [
        [`${bench}.unthrottled`, besideDownload],
        [`restore.litestream.${size.name}`, besideLitestream],
      ])
    }
  },
}

type Size = (typeof SIZES)[number]
type Measurement = (bench: string, rounds: number, server: BenchServer, directory: string) => Promise<void>

/** Runs what is wanted of the measurements on one filled server. */
async function onServer(
  { bytes, rounds }: Size,
  bytesPerSecond: number | undefined,
  wanted: (name: string) => boolean,
  measurements: readonly (readonly [bench: string, measure: Measurement])[],
): Promise<void> {
  const chosen = measurements.filter(([bench]) => wanted(bench))
  if (chosen.length === 0) return
  await using directory = await temporaryDirectory('thaw-bench')
  const half = { putMs: 0, getMs: 2, jitter: 0, seed: 'restore' }
  const server = await startBenchServer(bytesPerSecond === undefined ? half : { ...half, bytesPerSecond })
  try {
    await fill(server, directory.path, bytes)
    for (const [bench, measure] of chosen) await measure(bench, rounds, server, directory.path)
  } finally {
    await server.close()
  }
}

async function fill(server: BenchServer, directory: string, bytes: number): Promise<void> {
  const file = join(directory, 'file.db')
  const rows = makeFile(file, { bytes, rowBytes: ROW_BYTES, randomBytes: ROW_BYTES / 2, seed: 'restore' })
  const store = openStore(server.urlOf('database'), server.env)
  await importDatabase({ store, description: 'database' }, file)
  rmSync(file)
  const db = await openSqlite({ store, directory, maintainEvery: 0 })
  try {
    const random = seededRandom('restore')
    for (let i = 0; i < COMMITS_AFTER; i++) {
      await db.execute('UPDATE t SET v = ? WHERE id = ?', [random.bytes(100), random.integer(1, rows)])
    }
  } finally {
    await db.close()
    await store.close()
  }
}

const besideDownload: Measurement = async (bench, rounds, server, directory) => {
  const ours: number[] = []
  const raw: number[] = []
  for (let round = 0; round < rounds; round++) {
    raw.push(Number(await inProcess('download', server, directory)))
    ours.push(Number(await inProcess('restore', server, directory)))
  }
  const what = 'a raw parallel download of the same objects'
  report({ bench, value: median(ours), unit: 'ms', reference: { what, value: median(raw) } })
}

/** Both from the start of the process to its end. */
const besideLitestream: Measurement = async (bench, rounds, server, directory) => {
  if (spawnSync('litestream', ['version']).status !== 0) {
    process.stderr.write(`${bench} is skipped: there is no litestream on the PATH\n`)
    return
  }
  const ours: number[] = []
  const theirs: number[] = []
  const out = join(directory, 'litestream.db')
  for (let round = 0; round < rounds; round++) {
    theirs.push(
      await timed(() =>
        promisify(execFile)('litestream', ['restore', '-o', out, server.urlOf('database')], {
          env: { PATH: process.env.PATH ?? '', ...server.env },
        }),
      ),
    )
    for (const suffix of ['', '-wal', '-shm']) rmSync(out + suffix, { force: true })
    ours.push(await timed(() => inProcess('restore', server, directory)))
  }
  const reference = { what: 'litestream restore of the same objects', value: median(theirs) }
  report({ bench, value: median(ours), unit: 'ms', reference })
}

/** Milliseconds, as the process itself measured them. */
async function inProcess(
  what: 'restore' | 'download',
  server: BenchServer,
  directory: string,
): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [PROGRAM, what, server.urlOf('database'), directory],
    {
      env: server.env,
    },
  )
  return stdout
}
