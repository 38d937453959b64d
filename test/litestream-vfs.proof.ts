import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { maintain } from '@thaw/sqlite'
import { openStore } from '@thaw/store'
import { seededRandom, startS3Server, temporaryDirectory } from '@thaw/testing'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { AT_ONCE, deleteAsIfDaysLater } from '../packages/sqlite/test/days-later.ts'
import { open } from '../packages/sqlite/test/kit.ts'
import { contents, perform, workload } from '../packages/sqlite/test/workload.ts'

// Litestream's read extension for SQLite reads what is written here, page by page out of the bucket. It is no
// dependency: it is fetched from the registry for this check alone.

const VERSION = '0.5.17'
const PROGRAM = fileURLToPath(new URL('./vfs-process.ts', import.meta.url))

let extension: string | null = null
let reason = ''

beforeAll(async () => {
  const directory = await temporaryDirectory('thaw-vfs')
  try {
    const install = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', directory.path]
    execFileSync('npm', [...install, `litestream-vfs@${VERSION}`], { stdio: 'pipe', timeout: 30_000 })
    const { getLoadablePath } = createRequire(join(directory.path, 'package.json'))('litestream-vfs')
    if (existsSync(getLoadablePath())) extension = getLoadablePath()
  } catch (error) {
    reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
  }
  return directory.remove
}, 60_000)

test.for([4096, 512, 16_384])(
  "Litestream's read extension shows every row, through compaction, VACUUM, snapshot and retention: pages of %i bytes",
  { timeout: 120_000 },
  async (pageSize, context) => {
    if (extension === null) return context.skip(`litestream-vfs ${VERSION} cannot be had here: ${reason}`)
    const server = await startS3Server()
    onTestFinished(() => server.close())
    const store = openStore(server.urlOf('app'), server.env)
    onTestFinished(() => store.close())
    const db = await open({ store, pageSize, maintainEvery: 0 })
    const source = { store, description: 'the database' }
    const changes = workload(seededRandom(`vfs/${pageSize}`), pageSize)
    const change = async (steps: number) => {
      for (let n = 0; n < steps; n++) await perform(db, changes.next().value)
    }
    const agree = async (stage: string) => {
      const env = { PATH: process.env.PATH, ...server.env, LITESTREAM_REPLICA_URL: server.urlOf('app') }
      const args = ['--no-warnings', PROGRAM, extension ?? '']
      const shown = execFileSync(process.execPath, args, {
        encoding: 'utf8',
        env,
        timeout: 30_000,
        stdio: 'pipe',
      })
      expect(JSON.parse(shown), stage).toEqual(JSON.parse(JSON.stringify(await contents(db))))
    }

    await change(12)
    await agree('level 0')
    await maintain(source, { policy: { ...AT_ONCE, snapshotAfterMs: Number.POSITIVE_INFINITY } })
    await change(6)
    await agree('compacted')
    await db.execute('DELETE FROM item WHERE id % 3 <> 0')
    await db.execute('VACUUM')
    await agree('vacuumed')
    await maintain(source, { policy: AT_ONCE })
    await change(6)
    await agree('with a snapshot')
    expect(await deleteAsIfDaysLater(source, 40)).toBeGreaterThan(10)
    await agree('after retention')
  },
)
