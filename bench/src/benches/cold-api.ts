import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { loadApp } from '@thaw/app'
import { type BuildResult, buildApp } from '@thaw/deploy'
import { openSqlite } from '@thaw/sqlite'
import { openStore } from '@thaw/store'
import { type S3Server, seededRandom, startS3Server, temporaryDirectory } from '@thaw/testing'
import { unzipSync } from 'fflate'
import { median, report } from '../report.ts'
import type { Bench } from './index.ts'

const PARTS = ['process', 'import', 'restore', 'response'] as const
const ROUNDS = 15
const DATABASE_BYTES = 5_000_000
const APP = fileURLToPath(new URL('../../../apps/spendsense', import.meta.url))
const COLD = fileURLToPath(new URL('../cold', import.meta.url))
const EVENT = JSON.stringify({
  version: '2.0',
  routeKey: '$default',
  rawPath: '/api/stats',
  rawQueryString: '',
  headers: { host: 'localhost' },
  requestContext: { http: { method: 'GET', path: '/api/stats', sourceIp: '127.0.0.1' }, stage: '$default' },
  isBase64Encoded: false,
})

type Parts = Record<(typeof PARTS)[number] | 'total', number>

/**
 * The cold start of SpendSense's packaged API with a database of 5 MB in an S3 server on this machine, from the start
 * of its process to its first answer, beside that of a function that does nothing.
 */
export const coldApi: Bench = {
  names: ['cold.api', ...PARTS.map((part) => `cold.api.${part}`)],
  async run() {
    await using directory = await temporaryDirectory('thaw-bench')
    const server = await startS3Server()
    try {
      const build = await buildApp(await loadApp(APP), { outDir: join(directory.path, 'build') })
      const bundle = await unpack(build, join(directory.path, 'task'))
      const env = functionEnvironment(build, server, dirname(bundle), directory.path)
      await start(bundle, env) // migrates and seeds
      await grow(server, directory.path)
      const full: Parts[] = []
      const empty: Parts[] = []
      const raw: number[] = []
      for (let round = 0; round < ROUNDS; round++) {
        empty.push(await start(join(COLD, 'empty.mjs'), env))
        full.push(await start(bundle, env))
        raw.push((await run<{ total: number }>('download.ts', [server.urlOf('spendsense')], env)).total)
      }
      const of = (all: Parts[], part: keyof Parts) => median(all.map((parts) => parts[part]))
      const nothing = 'the same of a function that does nothing'
      report({
        bench: 'cold.api',
        value: of(full, 'total'),
        unit: 'ms',
        reference: { what: nothing, value: of(empty, 'total') },
      })
      for (const part of PARTS) {
        const reference =
          part === 'restore'
            ? { what: 'a raw parallel download of the same objects', value: median(raw) }
            : { what: nothing, value: of(empty, part) }
        report({ bench: `cold.api.${part}`, value: of(full, part), unit: 'ms', reference })
      }
    } finally {
      await server.close()
    }
  },
}

/** Extracts the API's package into a folder of its own. Gives the path of its module. */
async function unpack(build: BuildResult, task: string): Promise<string> {
  const api = build.functions.find(({ name }) => name === 'api')
  if (!api) throw new Error('the build has no function api')
  for (const [name, bytes] of Object.entries(unzipSync(await readFile(api.zip)))) {
    const path = join(task, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, bytes)
  }
  return join(task, 'index.mjs')
}

function functionEnvironment(build: BuildResult, server: S3Server, task: string, directory: string) {
  return {
    ...build.functions[0]?.environment,
    ...server.env,
    DATABASE_URL: `sqlite+${server.urlOf('spendsense')}`,
    LAMBDA_TASK_ROOT: task,
    TMPDIR: directory,
    PATH: process.env.PATH ?? '',
  }
}

/** Adds rows of another table until the database has its size. */
async function grow(server: S3Server, directory: string): Promise<void> {
  const store = openStore(server.urlOf('spendsense'), server.env)
  const db = await openSqlite({ store, directory })
  try {
    const random = seededRandom('cold.api')
    await db.atomic((tx) => {
      tx.execute('CREATE TABLE filler(id INTEGER PRIMARY KEY, v BLOB)')
      const size = 'SELECT page_count * page_size AS n FROM pragma_page_count, pragma_page_size'
      while (Number(tx.execute(size).rows[0]?.n) < DATABASE_BYTES) {
        tx.execute('INSERT INTO filler(v) VALUES (?)', [random.bytes(20_000)])
      }
    })
  } finally {
    await db.close()
    await store.close()
  }
}

function start(bundle: string, env: Record<string, string>): Promise<Parts> {
  return run('start.mjs', [bundle, EVENT, String(performance.timeOrigin + performance.now())], env)
}

async function run<T>(script: string, args: string[], env: Record<string, string>): Promise<T> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(COLD, script), ...args], { env })
  return JSON.parse(stdout)
}
