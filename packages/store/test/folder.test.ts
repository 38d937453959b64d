import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { seededRandom, temporaryDirectory } from '@thaw/testing'
import { expect, test } from 'vitest'
import { sweep } from '../src/folder/sweep.ts'
import { folderStore } from '../src/index.ts'
import { storeContract } from './contract.ts'
import { raceOfProcesses } from './race.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

storeContract('folder', async () => {
  const directory = await temporaryDirectory()
  const store = folderStore(join(directory.path, 'not', 'yet', 'there'))
  return {
    store,
    async close() {
      await store.close()
      await directory.remove()
    },
  }
})

test('of several processes that create one name, exactly one succeeds', async () => {
  await using directory = await temporaryDirectory()
  await raceOfProcesses(pathToFileURL(directory.path).href)
})

test('killed writers leave whole objects, and no lock', async () => {
  await using directory = await temporaryDirectory()
  const store = folderStore(directory.path)
  const random = seededRandom('killed writers')
  for (let round = 0; round < 8; round++) {
    const writer = fork(new URL('./writer.ts', import.meta.url), [directory.path])
    for (let i = random.integer(1, 4); i > 0; i--) await once(writer, 'message')
    await sleep(random.integer(0, 4)) // to die at another place each time
    writer.kill('SIGKILL')
    await once(writer, 'exit')

    const etag = (await store.head('versions/one'))?.etag ?? ''
    expect(await store.put('versions/one', bytes('mine'), { ifMatch: etag })).toMatchObject({
      outcome: 'stored',
    })
    for await (const { key, size } of store.list('created/')) {
      const body = (await store.get(key))?.body
      expect(size).toBe(50_000)
      expect(body?.every((byte) => byte === body[0])).toBe(true)
    }
  }
  await store.close()
})

test('an object is a plain file, and nothing else is left in the folder', async () => {
  await using directory = await temporaryDirectory()
  const store = folderStore(directory.path)
  const timestamp = Date.UTC(2026, 2, 4, 5, 6, 7) + 89
  await store.put('a/b.txt', bytes('one'), { ifAbsent: true, timestamp })
  await store.put('a/b.txt', bytes('lost'), { ifAbsent: true })
  await store.put('a/c.txt', bytes('two'))
  expect(await readdir(join(directory.path, 'a'))).toEqual(['b.txt', 'c.txt'])
  expect(await readdir(join(directory.path, '.thaw', 'tmp'))).toEqual([])
  await store.close()
})

test.each([0, 1, 89, 499, 995, 996, 999])(
  'the modification time carries the timestamp, ms %d',
  async (ms) => {
    await using directory = await temporaryDirectory()
    const store = folderStore(directory.path)
    const timestamp = Date.UTC(2026, 10, 20, 19, 36, 1) + ms
    await store.put('x', bytes('one'), { ifAbsent: true, timestamp })
    expect(Math.floor((await stat(join(directory.path, 'x'))).mtimeMs)).toBe(timestamp)
  },
)

test('the time of acceptance is not the timestamp', async () => {
  await using directory = await temporaryDirectory()
  const store = folderStore(directory.path)
  const before = Date.now()
  await store.put('x', bytes('one'), { timestamp: 0 })
  expect((await store.head('x'))?.modifiedAt).toBeGreaterThanOrEqual(before - 50)
})

test('removes temporary files that were abandoned, and spares younger ones', async () => {
  await using directory = await temporaryDirectory()
  const temporary = join(directory.path, '.thaw', 'tmp')
  await mkdir(temporary, { recursive: true })
  await writeFile(join(temporary, 'draft'), 'x')
  const now = (await stat(join(temporary, 'draft'))).ctimeMs
  await sweep(temporary, now + 3_500_000)
  expect(await readdir(temporary)).toEqual(['draft'])
  await sweep(temporary, now + 3_700_000)
  expect(await readdir(temporary)).toEqual([])
})

test('lists what others have put there, and nothing of its own', async () => {
  await using directory = await temporaryDirectory()
  const store = folderStore(directory.path)
  await store.put('b', bytes('x'))
  await mkdir(join(directory.path, 'a'))
  await writeFile(join(directory.path, 'a', 'foreign'), 'x')
  await utimes(join(directory.path, 'a', 'foreign'), 1, 1)
  await mkdir(join(directory.path, 'a', '.thaw'))
  await writeFile(join(directory.path, 'a', '.thaw', 'lock'), '')
  const names: string[] = []
  for await (const { key } of store.list('')) names.push(key)
  expect(names).toEqual(['a/foreign', 'b'])
  await store.close()
})

test('says when a name is taken by the directory of others', async () => {
  await using directory = await temporaryDirectory()
  const store = folderStore(directory.path)
  await store.put('a/b', bytes('x'))
  const refused = { code: 'STORE_BAD_KEY', unknown: false }
  await expect(store.put('a', bytes('x'), { ifAbsent: true })).rejects.toMatchObject(refused)
  await expect(store.put('a', bytes('x'))).rejects.toMatchObject(refused)
  await expect(store.put('a/b/c', bytes('x'))).rejects.toMatchObject(refused)
  await expect(store.put('x'.repeat(300), bytes('x'))).rejects.toMatchObject(refused)
  expect(await readdir(join(directory.path, '.thaw', 'tmp'))).toEqual([])
  await store.close()
})
