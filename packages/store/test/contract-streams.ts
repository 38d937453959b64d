import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import type { ObjectStore } from '../src/index.ts'

/** The S3 store's parts; the other stores know no such border. */
export const PART_BYTES = 5 * 1024 ** 2
const LARGE = 2 * PART_BYTES + 12_345

export interface StreamOptions {
  readonly pieceBytes?: number
  /** First byte; each further one differs from its neighbours. */
  readonly seed?: number
  /** Called before the stream ends. */
  readonly last?: () => unknown
}

/** A stream of so many bytes, which tells whether it was ended, and how far it was read. */
export function streamOf(length: number, { pieceBytes = 99_991, seed = 0, last }: StreamOptions = {}) {
  const state = { ended: false, read: 0 }
  async function* read(): AsyncGenerator<Uint8Array> {
    try {
      for (let at = 0; at < length; at += pieceBytes) {
        const piece = bytesOf(Math.min(pieceBytes, length - at), seed + at)
        state.read += piece.length
        yield piece
      }
      await last?.()
    } finally {
      state.ended = true
    }
  }
  return { state, body: read() }
}

function bytesOf(length: number, from: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = ((from + i) * 31 + ((from + i) >>> 8)) & 0xff
  return bytes
}

const digest = (bytes: Uint8Array | undefined) => bytes && createHash('sha256').update(bytes).digest('base64')

/** What every store promises about bodies that are streams. */
export function streamContract(context: () => ObjectStore, fresh: () => string): void {
  const sizes = [0, 1, 100_000, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES, LARGE]

  test.each(sizes)('gives back a stream of %d bytes', async (size) => {
    const store = context()
    const key = fresh()
    const { body, state } = streamOf(size)
    const timestamp = Date.UTC(2026, 4, 3)
    const result = await store.put(key, body, { ifAbsent: true, timestamp })
    const object = await store.get(key)
    expect(result).toEqual({ outcome: 'stored', etag: object?.etag })
    expect(object?.size).toBe(size)
    expect(digest(object?.body)).toBe(digest(bytesOf(size, 0)))
    expect(state.ended).toBe(true)
    const range = { start: size - 2, end: size + 9 }
    if (size > 1) expect((await store.get(key, { range }))?.body).toEqual(bytesOf(size, 0).slice(-2))
  })

  test('takes pieces of any size, empty ones too', async () => {
    const store = context()
    const key = fresh()
    async function* body() {
      yield new Uint8Array()
      yield bytesOf(3, 0)
      yield new Uint8Array()
      yield bytesOf(LARGE, 3)
      yield bytesOf(1, LARGE + 3)
    }
    await store.put(key, body())
    expect(digest((await store.get(key))?.body)).toBe(digest(bytesOf(LARGE + 4, 0)))
  })

  test.each([1_000, LARGE])('a stream of %d bytes creates only what is not there', async (size) => {
    const store = context()
    const key = fresh()
    expect(await store.put(key, streamOf(size).body, { ifAbsent: true })).toMatchObject({ outcome: 'stored' })
    const second = streamOf(size, { seed: 7 })
    expect(await store.put(key, second.body, { ifAbsent: true })).toEqual({ outcome: 'exists' })
    expect(digest((await store.get(key))?.body)).toBe(digest(bytesOf(size, 0)))
  })

  test('a large stream does not create what came to be while it was read', async () => {
    const store = context()
    const key = fresh()
    const { body } = streamOf(LARGE, { last: () => store.put(key, bytesOf(5, 0)) })
    expect(await store.put(key, body, { ifAbsent: true })).toEqual({ outcome: 'exists' })
    expect((await store.get(key))?.body).toEqual(bytesOf(5, 0))
  })

  test.each([1_000, LARGE])('a stream of %d bytes replaces only the version that was named', async (size) => {
    const store = context()
    const key = fresh()
    await store.put(key, bytesOf(5, 0))
    const ifMatch = (await store.head(key))?.etag ?? ''
    expect(await store.put(key, streamOf(size).body, { ifMatch })).toMatchObject({ outcome: 'stored' })
    expect(await store.put(key, streamOf(size, { seed: 7 }).body, { ifMatch })).toEqual({
      outcome: 'changed',
    })
    expect(digest((await store.get(key))?.body)).toBe(digest(bytesOf(size, 0)))
  })

  test('of 6 large streams that create one name at once, exactly one succeeds', async () => {
    const store = context()
    const key = fresh()
    // All are read to their ends before any may go on.
    const all = Promise.withResolvers<void>()
    let waiting = 6
    const last = () => {
      if (--waiting === 0) all.resolve()
      return all.promise
    }
    const results = await Promise.all(
      Array.from({ length: 6 }, (_, seed) =>
        store.put(key, streamOf(LARGE, { seed, last }).body, { ifAbsent: true }),
      ),
    )
    const winners = results.flatMap(({ outcome }, seed) => (outcome === 'stored' ? [seed] : []))
    expect(winners).toHaveLength(1)
    for (const { outcome } of results) expect(['stored', 'exists', 'busy']).toContain(outcome)
    expect(digest((await store.get(key))?.body)).toBe(digest(bytesOf(LARGE, winners[0] ?? -1)))
  })

  test.each([1_000, LARGE])(
    'what a stream throws after %d bytes is thrown, and nothing is written',
    async (size) => {
      const store = context()
      const key = fresh()
      const reason = Object.assign(new Error('the source broke'), { code: 'ENOENT' })
      const broken = () => {
        throw reason
      }
      await expect(store.put(key, streamOf(size, { last: broken }).body)).rejects.toBe(reason)
      expect(await store.head(key)).toBeNull()
    },
  )

  test.each([1_000, LARGE])('of %d bytes nothing is to be seen before the stream has ended', async (size) => {
    const store = context()
    const key = fresh()
    let seen: unknown = 'not looked'
    const last = async () => {
      seen = await store.head(key)
    }
    await store.put(key, streamOf(size, { last }).body)
    expect(seen).toBeNull()
  })

  test.each([1_000, LARGE])(
    'the instant to sign with is asked for behind all %d bytes, and may be refused',
    async (size) => {
      const store = context()
      const key = fresh()
      const { body, state } = streamOf(size)
      const asked: boolean[] = []
      const signedAt = () => {
        asked.push(state.ended)
        return Date.now()
      }
      await store.put(key, body, { ifAbsent: true, signedAt })
      expect(asked).toEqual([true])
      const reason = Object.assign(new Error('too late'), { code: 'ENOENT' })
      const refused = store.put(`${key}-refused`, streamOf(size).body, {
        signedAt: () => Promise.reject(reason),
      })
      await expect(refused).rejects.toBe(reason)
      expect(await store.head(`${key}-refused`)).toBeNull()
    },
  )

  test('a caller who gives up while a large stream is read', async () => {
    const store = context()
    const key = fresh()
    const controller = new AbortController()
    const { body } = streamOf(LARGE, { last: () => controller.abort(new Error('enough')) })
    const put = store.put(key, body, { signal: controller.signal })
    await expect(put).rejects.toMatchObject({ code: 'STORE_ABORTED', unknown: false })
    expect(await store.head(key)).toBeNull()
  })
}
