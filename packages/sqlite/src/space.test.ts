import { execFileSync } from 'node:child_process'
import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type GetOptions, memoryStore } from '@thaw/store'
import { expect, onTestFinished, test, vi } from 'vitest'
import { temporaryDirectory } from '../test/kit.ts'
import { fillUp, smallFileSystem } from '../test/small-file-system.ts'
import { listAll } from './files.ts'
import { maintain } from './maintenance/maintain.ts'
import { openSqlite } from './open.ts'
import { exportDatabase } from './operations/export.ts'
import { forkDatabase } from './operations/fork.ts'
import { importDatabase } from './operations/import.ts'

const MEBIBYTE = 1024 * 1024
/** Less than the database has. */
const SMALL_BYTES = 2 * MEBIBYTE
const LARGE_BYTES = 3 * MEBIBYTE

function copyHasBegun(directory: string): boolean {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
  return files.some(
    ({ name, parentPath }) => name === 'replica.db' && statSync(join(parentPath, name)).size > 0,
  )
}

function makeFile(path: string): string {
  const db = new DatabaseSync(path)
  db.exec('CREATE TABLE t(v); BEGIN')
  const insert = db.prepare('INSERT INTO t VALUES (randomblob(4000))')
  for (let written = 0; written < LARGE_BYTES; written += 4096) insert.run()
  db.exec('COMMIT')
  db.close()
  return path
}

test('what has no room is refused with the numbers, and leaves nothing', async (context) => {
  const small = smallFileSystem(SMALL_BYTES)
  if (!small) return context.skip('a small file system takes root and Linux')
  const file = makeFile(join(temporaryDirectory(), 'large.db'))
  const source = { store: memoryStore(), description: 'the database' }
  await importDatabase(source, file)
  const roomy = temporaryDirectory()

  vi.stubEnv('TMPDIR', small)
  onTestFinished(() => void vi.unstubAllEnvs())
  const numbers = /has \d{7} bytes and \S+ has \d{7} free\. Give the function more ephemeral storage/
  const noRoom = (code: string) => ({ code, message: expect.stringMatching(numbers) })
  const target = { store: memoryStore(), description: 'another' }
  await expect(importDatabase(target, file)).rejects.toMatchObject(noRoom('NO_SPACE'))
  await expect(forkDatabase(source, target)).rejects.toMatchObject(noRoom('RESTORE_NO_SPACE'))
  expect(await listAll(target.store)).toEqual([])
  const exported = exportDatabase(source, join(small, 'out.db'))
  await expect(exported).rejects.toMatchObject(noRoom('RESTORE_NO_SPACE'))
  await expect(openSqlite({ store: source.store, directory: small })).rejects.toMatchObject(
    noRoom('RESTORE_NO_SPACE'),
  )
  expect(readdirSync(small)).toEqual([])

  // These need no room there: an export works where it writes to, maintenance works in memory.
  await exportDatabase(source, join(roomy, 'out.db'))
  const db = await openSqlite({ store: source.store, directory: roomy })
  await db.execute('INSERT INTO t VALUES (1)')
  await db.close()
  const { created } = await maintain(source, { policy: { snapshotAfterMs: 0 } })
  expect(created).toHaveLength(1)
})

test('a file system that becomes full meanwhile is named too', async (context) => {
  const small = smallFileSystem(SMALL_BYTES)
  if (!small) return context.skip('a small file system takes root and Linux')
  const file = makeFile(join(temporaryDirectory(), 'large.db'))
  const inner = memoryStore()
  await importDatabase({ store: inner, description: 'the database' }, file)
  rmSync(file)
  execFileSync('mount', ['-o', `remount,size=${2 * LARGE_BYTES}`, small])
  // Somebody else fills it while the copy is written: its last piece arrives when that has begun, and no room is left.
  const store = {
    ...inner,
    get: async (key: string, options?: GetOptions) => {
      if ((options?.range?.start ?? 0) >= LARGE_BYTES - MEBIBYTE) {
        while (!copyHasBegun(small)) await new Promise((resolve) => setImmediate(resolve))
        fillUp(small, 0)
      }
      return inner.get(key, options)
    },
  }
  const restored = openSqlite({ store, directory: small, description: 'the database' })
  await expect(restored).rejects.toMatchObject({
    code: 'RESTORE_NO_SPACE',
    message: expect.stringMatching(/became full while the database was written/),
  })
  expect(readdirSync(small)).toEqual(['other'])
})
