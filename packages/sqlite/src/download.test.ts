import { type GetOptions, memoryStore, type ObjectStore } from '@thaw/store'
import { seededRandom } from '@thaw/testing'
import { expect, test } from 'vitest'
import { download, FileVanishedError } from './download.ts'
import { fileKey, type LtxFile, listLevel } from './files.ts'

const KIBIBYTE = 1024
const LIMITS = { pieceBytes: 100 * KIBIBYTE, aheadBytes: 450 * KIBIBYTE }

interface Asked {
  readonly key: string
  readonly bytes: number
  answer(): void
}

/** Files of these sizes, in their order, in a store whose answers wait for the test. */
async function filesOf(sizes: readonly number[]) {
  const store = memoryStore()
  const random = seededRandom('download')
  const bodies = sizes.map((size) => random.bytes(size))
  for (const [i, body] of bodies.entries()) await store.put(fileKey(0, i + 1, i + 1), body)
  const files = await listLevel(store, 0)
  const asked: Asked[] = []
  const held: ObjectStore = {
    ...store,
    async get(key: string, options: GetOptions = {}) {
      const object = await store.get(key, options)
      await new Promise<void>((answer) => asked.push({ key, bytes: object?.body.length ?? 0, answer }))
      return object
    },
  }
  return { store, held, files, bodies, asked }
}

/** Lets everything run that waits for nothing but its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function totalOf(asked: readonly Asked[]): number {
  return asked.reduce((sum, { bytes }) => sum + bytes, 0)
}

async function readAll(store: ObjectStore, files: readonly LtxFile[]): Promise<Uint8Array[]> {
  const read: Uint8Array[] = []
  for await (const { pieces } of download(store, files, LIMITS)) {
    const parts: Uint8Array[] = []
    for await (const piece of pieces) parts.push(piece)
    read.push(Buffer.concat(parts))
  }
  return read
}

test('whatever order the answers come in, the files come in theirs', async () => {
  const random = seededRandom('answers')
  const sizes = Array.from({ length: 40 }, () => random.integer(0, random.integer(0, 1) ? 2_000 : 400_000))
  const { held, files, bodies, asked } = await filesOf(sizes)
  const reading = readAll(held, files)
  let done = false
  void reading.then(() => {
    done = true
  })
  while (!done) {
    await turn()
    asked.splice(random.integer(0, Math.max(0, asked.length - 1)), 1)[0]?.answer()
  }
  const read = await reading
  expect(read.map((bytes) => bytes.length)).toEqual(sizes)
  for (const [i, body] of bodies.entries()) expect(Buffer.compare(read[i]!, body)).toBe(0)
})

test('small files do not hold up a large one, nor the other way round', async () => {
  const { held, files, asked } = await filesOf([...Array(100).fill(5_000), 900 * KIBIBYTE, 5_000])
  const reading = readAll(held, files)
  await turn()
  const large = files[100]!.key
  expect(asked.filter(({ key }) => key === large)).toHaveLength(4)
  expect(asked.filter(({ key }) => key !== large)).toHaveLength(24)
  // With none of the large ones answered, the small ones are fetched to the last.
  const answered = new Set<string>()
  for (let found = true; found; ) {
    const next = asked.filter(({ key }) => key !== large && !answered.has(key))
    found = next.length > 0
    for (const one of next) {
      answered.add(one.key)
      one.answer()
    }
    await turn()
  }
  expect(answered.size).toBe(101)
  for (let i = 0; asked.some(({ key }) => key === large) && i < 100; i++) {
    for (const one of asked.splice(0)) one.answer()
    await turn()
  }
  expect((await reading).map((bytes) => bytes.length)).toEqual(files.map(({ size }) => size))
})

test('what nobody reads stays in the bucket, but for what may wait', async () => {
  const { held, files, asked } = await filesOf([3_000 * KIBIBYTE, 3_000 * KIBIBYTE])
  const downloads = download(held, files, LIMITS)
  const { value } = await downloads.next()
  const pieces = value!.pieces[Symbol.asyncIterator]()
  let read = 0
  for (let i = 0; i < 60; i++) {
    await turn()
    expect(totalOf(asked) - read, `after ${i} pieces`).toBeLessThanOrEqual(LIMITS.aheadBytes)
    for (const one of asked) one.answer()
    if (i % 3 !== 0) continue
    const piece = await pieces.next()
    read += piece.value?.length ?? 0
  }
  expect(read).toBe(20 * LIMITS.pieceBytes)
  await downloads.return(undefined)
})

test('nothing more is asked for once the reader has left', async () => {
  const { held, files, asked } = await filesOf(Array(100).fill(5_000))
  const downloads = download(held, files)
  await downloads.next()
  await turn()
  await downloads.return(undefined)
  expect(asked).toHaveLength(24)
  for (const one of asked) one.answer()
  await turn()
  expect(asked).toHaveLength(24)
})

test('a piece that is larger than all that may wait is fetched alone', async () => {
  const { store, files, bodies } = await filesOf([300_000, 300_000])
  const read: Uint8Array[] = []
  for await (const { pieces } of download(store, files, { pieceBytes: 300_000, aheadBytes: 1 })) {
    for await (const piece of pieces) read.push(piece)
  }
  expect(Buffer.compare(Buffer.concat(read), Buffer.concat(bodies))).toBe(0)
})

test.each(['deleted', 'replaced'])('a file that was %s since it was listed has vanished', async (how) => {
  const { store, files } = await filesOf([5_000, 5_000])
  const key = files[1]!.key
  await store.delete([key])
  if (how === 'replaced') await store.put(key, new Uint8Array(5_000))
  const reading = readAll(store, files)
  await expect(reading).rejects.toBeInstanceOf(FileVanishedError)
  await expect(reading).rejects.toMatchObject({ file: files[1] })
})
