import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  compareKeys,
  type ObjectInfo,
  type ObjectStore,
  probeConditionalPut,
  StoreError,
} from '../src/index.ts'

import { streamContract } from './contract-streams.ts'

export interface Subject {
  readonly store: ObjectStore
  close(): Promise<void>
}

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (body: Uint8Array | undefined) => body && new TextDecoder().decode(body)

async function all(objects: AsyncIterable<ObjectInfo>): Promise<ObjectInfo[]> {
  const found: ObjectInfo[] = []
  for await (const object of objects) found.push(object)
  return found
}

async function names(store: ObjectStore, prefix: string, startAfter?: string): Promise<string[]> {
  const found = await all(store.list(prefix, startAfter === undefined ? {} : { startAfter }))
  return found.map(({ key }) => key)
}

/** What every store promises. `make` gives an empty one. */
export function storeContract(name: string, make: () => Promise<Subject>): void {
  describe(`${name}: an object store`, () => {
    let subject: Subject
    let store: ObjectStore
    let scope = 0
    /** A name that no other test uses. */
    const fresh = (rest = 'object') => `t${++scope}/${rest}`

    beforeAll(async () => {
      subject = await make()
      store = subject.store
    })
    afterAll(() => subject?.close())

    test('gives back what was put, with size, etag and time', async () => {
      const key = fresh()
      const before = Date.now()
      const result = await store.put(key, bytes('hello'))
      const object = await store.get(key)
      expect(result).toEqual({ outcome: 'stored', etag: object?.etag })
      expect(object).toMatchObject({ key, size: 5 })
      expect(text(object?.body)).toBe('hello')
      // S3's time of a get has whole seconds.
      expect(object?.modifiedAt).toBeGreaterThanOrEqual(before - 1000)
      expect(object?.modifiedAt).toBeLessThanOrEqual(Date.now() + 1000)
      const { body: _, ...info } = object ?? {}
      expect(await store.head(key)).toEqual(info)
      const [listed] = await all(store.list(key))
      expect(listed).toMatchObject({ key, size: 5, etag: object?.etag })
      expect(Math.abs((listed?.modifiedAt ?? 0) - (object?.modifiedAt ?? 0))).toBeLessThan(1000)
    })

    test('writes pieces one after the other', async () => {
      const key = fresh()
      await store.put(key, [bytes('one '), new Uint8Array(), bytes('two')])
      expect(text((await store.get(key))?.body)).toBe('one two')
    })

    test('shares no memory with its callers', async () => {
      const key = fresh()
      const given = bytes('abc')
      await store.put(key, given)
      given.fill(0)
      const first = await store.get(key)
      first?.body.fill(0)
      expect(text((await store.get(key))?.body)).toBe('abc')
    })

    test('takes a large body', async () => {
      const key = fresh()
      const body = new Uint8Array(20_000_000)
      for (let i = 0; i < body.length; i += 997) body[i] = i & 0xff
      await store.put(key, [body.subarray(0, 7_000_001), body.subarray(7_000_001)])
      const object = await store.get(key)
      expect(object?.size).toBe(body.length)
      expect(Buffer.compare(object?.body ?? new Uint8Array(), body)).toBe(0)
    })

    test('takes an empty body', async () => {
      const key = fresh()
      expect(await store.put(key, new Uint8Array(), { ifAbsent: true })).toMatchObject({ outcome: 'stored' })
      expect(await store.get(key)).toMatchObject({ size: 0, body: new Uint8Array() })
      expect(await store.head(key)).toMatchObject({ size: 0 })
      expect(await store.get(key, { range: { start: 0, end: 10 } })).toMatchObject({
        size: 0,
        body: new Uint8Array(),
      })
      expect(await all(store.list(key))).toMatchObject([{ key, size: 0 }])
    })

    test('gives null for what is not there', async () => {
      const key = fresh()
      expect(await store.get(key)).toBeNull()
      expect(await store.head(key)).toBeNull()
      expect(await store.get(key, { range: { start: 0, end: 4 } })).toBeNull()
      expect(await store.get(key, { range: { start: 4, end: 4 } })).toBeNull()
      expect(await store.get(key, { ifMatch: '"0"' })).toBeNull()
      expect(await names(store, key)).toEqual([])
    })

    test.each([
      [0, 3, 'abc'],
      [2, 5, 'cde'],
      [4, 100, 'ef'],
      [0, Number.POSITIVE_INFINITY, 'abcdef'],
      [6, 9, ''],
      [50, 60, ''],
      [3, 3, ''],
    ])('clips the range [%d, %d) to the object', async (start, end, expected) => {
      const key = fresh()
      await store.put(key, bytes('abcdef'))
      const part = await store.get(key, { range: { start, end } })
      expect(part).toMatchObject({ key, size: 6, etag: (await store.head(key))?.etag })
      expect(text(part?.body)).toBe(expected)
    })

    test.each([
      [-1, 3],
      [3, 2],
      [0.5, 2],
      [0, Number.NaN],
    ])('refuses the range [%d, %d)', async (start, end) => {
      await expect(store.get(fresh(), { range: { start, end } })).rejects.toMatchObject({
        code: 'STORE_BAD_RANGE',
      })
    })

    test('replaces, and pins a version by its etag', async () => {
      const key = fresh()
      await store.put(key, bytes('old'))
      const old = await store.head(key)
      const etag = old?.etag ?? ''
      expect(text((await store.get(key, { ifMatch: etag }))?.body)).toBe('old')
      await store.put(key, bytes('new'))
      expect((await store.head(key))?.etag).not.toBe(etag)
      const pinned = [{}, { range: { start: 0, end: 2 } }, { range: { start: 9, end: 12 } }]
      for (const options of pinned) {
        const error = await store.get(key, { ...options, ifMatch: etag }).catch((thrown) => thrown)
        expect(error).toBeInstanceOf(StoreError)
        expect(error).toMatchObject({ code: 'STORE_CHANGED', operation: 'get', unknown: false })
      }
    })

    test('new objects of one name, size and timestamp have etags of their own', async () => {
      const key = fresh()
      const timestamp = Date.UTC(2026, 1, 3)
      const etags = new Set<string | undefined>()
      for (let i = 0; i < 50; i++) {
        await store.put(key, new Uint8Array([i]), { timestamp })
        etags.add((await store.head(key))?.etag)
        await store.delete([key])
      }
      expect(etags.size).toBe(50)
    })

    test('creates only what is not there', async () => {
      const key = fresh()
      expect(await store.put(key, bytes('first'), { ifAbsent: true })).toMatchObject({ outcome: 'stored' })
      expect(await store.put(key, bytes('second'), { ifAbsent: true })).toEqual({ outcome: 'exists' })
      expect(text((await store.get(key))?.body)).toBe('first')
      await store.delete([key])
      expect(await store.put(key, bytes('third'), { ifAbsent: true })).toMatchObject({ outcome: 'stored' })
      expect(text((await store.get(key))?.body)).toBe('third')
    })

    test('replaces only the version that was named', async () => {
      const key = fresh()
      expect(await store.put(key, bytes('x'), { ifMatch: '"none"' })).toEqual({ outcome: 'changed' })
      expect(await store.get(key)).toBeNull()
      await store.put(key, bytes('one'))
      const etag = (await store.head(key))?.etag ?? ''
      const second = await store.put(key, bytes('two'), { ifMatch: etag })
      expect(second).toMatchObject({ outcome: 'stored' })
      expect(await store.put(key, bytes('three'), { ifMatch: etag })).toEqual({ outcome: 'changed' })
      expect(text((await store.get(key))?.body)).toBe('two')
      await store.delete([key])
      expect(await store.put(key, bytes('four'), { ifMatch: etag })).toEqual({ outcome: 'changed' })
      expect(await store.get(key)).toBeNull()
    })

    test('refuses two conditions at once', async () => {
      const put = store.put(fresh(), bytes('x'), { ifAbsent: true, ifMatch: '"1"' })
      await expect(put).rejects.toMatchObject({ code: 'STORE_REFUSED', unknown: false })
    })

    test('of 32 that create one name at once, exactly one succeeds: 20 rounds', async () => {
      for (let round = 0; round < 20; round++) {
        const key = fresh(`race/${round}`)
        const racers = Array.from({ length: 32 }, (_, i) => `racer ${i}`)
        const results = await Promise.all(
          racers.map((racer) => store.put(key, bytes(racer), { ifAbsent: true })),
        )
        const winners = racers.filter((_, i) => results[i]?.outcome === 'stored')
        expect(winners).toHaveLength(1)
        expect(results.filter(({ outcome }) => outcome === 'exists' || outcome === 'busy')).toHaveLength(31)
        expect(text((await store.get(key))?.body)).toBe(winners[0])
      }
    })

    test('of 16 that replace one version at once, exactly one succeeds: 20 rounds', async () => {
      const key = fresh()
      await store.put(key, bytes('start'))
      for (let round = 0; round < 20; round++) {
        const ifMatch = (await store.head(key))?.etag ?? ''
        const racers = Array.from({ length: 16 }, (_, i) => `round ${round} racer ${i}`)
        const results = await Promise.all(racers.map((racer) => store.put(key, bytes(racer), { ifMatch })))
        const winners = racers.filter((_, i) => results[i]?.outcome === 'stored')
        expect(winners).toHaveLength(1)
        expect(text((await store.get(key))?.body)).toBe(winners[0])
      }
    })

    test('a reader sees a whole version while it is replaced', async () => {
      const key = fresh()
      const version = (i: number) => new Uint8Array(50_000 + i).fill(i)
      await store.put(key, version(0))
      let writing = true
      const write = async () => {
        for (let i = 1; i <= 20; i++) await store.put(key, version(i))
        writing = false
      }
      const read = async () => {
        while (writing) {
          const object = await store.get(key)
          const first = object?.body[0] ?? -1
          expect(object?.body.length).toBe(50_000 + first)
          expect(object?.body.every((byte) => byte === first)).toBe(true)
        }
      }
      await Promise.all([write(), read(), read()])
    })

    test('lists names with a prefix, in order, after a name', async () => {
      const base = fresh('list')
      const wanted = ['a', 'a-b', 'a.txt', 'a/0', 'a/b/c', 'a0', 'ab', 'b', 'B', 'ä', 'z/z'].map(
        (n) => `${base}/${n}`,
      )
      // A folder cannot hold both a and a/0.
      const keys = wanted.filter((key) => key !== `${base}/a`)
      for (const key of keys) await store.put(key, bytes(key))
      const ordered = keys.toSorted((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)))
      expect(await names(store, `${base}/`)).toEqual(ordered)
      expect(await names(store, `${base}/a`)).toEqual(ordered.filter((key) => key.startsWith(`${base}/a`)))
      expect(await names(store, `${base}/a/`)).toEqual([`${base}/a/0`, `${base}/a/b/c`])
      expect(await names(store, `${base}/a/b/c`)).toEqual([`${base}/a/b/c`])
      for (const after of [...keys, `${base}/a/b`, `${base}/a/zz`, `${base}/A`, `${base}0`])
        expect(await names(store, `${base}/`, after)).toEqual(
          ordered.filter((key) => compareKeys(key, after) > 0),
        )
      expect(await names(store, `${base}/`, '')).toEqual(ordered)
      expect(await names(store, `${base}/none`)).toEqual([])
    })

    test('lists more names than fit on a page, and deletes them', async () => {
      const base = fresh('many')
      const keys = Array.from(
        { length: 2_100 },
        (_, i) => `${base}/${i.toString(16).padStart(16, '0')}-x.ltx`,
      )
      for (let at = 0; at < keys.length; at += 100)
        await Promise.all(
          keys.slice(at, at + 100).map((key) => store.put(key, bytes('x'), { ifAbsent: true })),
        )
      expect(await names(store, `${base}/`)).toEqual(keys)
      expect(await names(store, base, keys[999])).toEqual(keys.slice(1000))
      await store.delete(keys.slice(0, 2_050))
      expect(await names(store, base)).toEqual(keys.slice(2_050))
    })

    test('takes unusual names', async () => {
      const base = fresh('odd')
      const segments = [
        'two words',
        "it's (a) *star*!",
        'plus+sign&amp=1?x#y',
        '100%25',
        'a:b;c,d=e@f$g',
        '<xml>"&\'',
        '.hidden',
        'trailing.',
        '~tilde',
        'ünï/日本語/🙂',
        '\u{ffee}',
        '\u{10000}',
        `${'long'.repeat(50)}/${'long'.repeat(50)}`,
      ]
      const keys = segments.map((segment) => `${base}/${segment}`)
      for (const key of keys) {
        expect(await store.put(key, bytes(key), { ifAbsent: true }), key).toMatchObject({ outcome: 'stored' })
        expect(text((await store.get(key))?.body)).toBe(key)
        expect((await store.head(key))?.size).toBe(bytes(key).length)
        expect(await names(store, key)).toEqual([key])
      }
      const ordered = keys.toSorted((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)))
      expect(await names(store, base)).toEqual(ordered)
      for (const [i, key] of ordered.entries())
        expect(await names(store, base, key)).toEqual(ordered.slice(i + 1))
      await store.delete(keys.slice(1))
      await store.delete(keys.slice(0, 1))
      expect(await names(store, base)).toEqual([])
    })

    test.each([
      '',
      '/',
      '/a',
      'a/',
      'a//b',
      '.',
      '..',
      'a/../b',
      '../../etc/passwd',
      './a',
      'a\0b',
      'a\nb',
      'a\\..\\b',
      '\ud800',
      '.thaw/lock',
      'a/.thaw/b',
      'x'.repeat(1025),
    ])('refuses the name %j', async (key) => {
      const refused = { code: 'STORE_BAD_KEY', unknown: false }
      await expect(store.put(key, bytes('x'))).rejects.toMatchObject(refused)
      await expect(store.get(key)).rejects.toMatchObject(refused)
      await expect(store.head(key)).rejects.toMatchObject(refused)
      await expect(store.delete([key])).rejects.toMatchObject(refused)
    })

    test('deletes nothing when one of the names is refused', async () => {
      const key = fresh()
      await store.put(key, bytes('x'))
      await expect(store.delete([key, '../x'])).rejects.toMatchObject({ code: 'STORE_BAD_KEY' })
      expect(await store.head(key)).not.toBeNull()
    })

    test.each(['../', '/', 'a//', 'a/../t1'])('finds nothing under %j', async (prefix) => {
      expect(await names(store, prefix)).toEqual([])
    })

    test('deletes what is there and what is not', async () => {
      const keys = [fresh(), fresh(), fresh()]
      await store.put(keys[0] ?? '', bytes('x'))
      await store.put(keys[2] ?? '', bytes('x'))
      await store.delete(keys)
      for (const key of keys) expect(await store.head(key)).toBeNull()
      await store.delete(keys)
      await store.delete(keys.slice(0, 1))
      await store.delete([])
    })

    test('keeps apart a name and the names below it', async () => {
      const base = fresh('dir')
      await store.put(`${base}/a/b`, bytes('x'))
      expect(await store.get(`${base}/a`)).toBeNull()
      expect(await store.head(`${base}/a`)).toBeNull()
      expect(await store.get(`${base}/a/b/c`)).toBeNull()
      await store.delete([`${base}/a`, `${base}/a/b/c`])
      expect(await names(store, base)).toEqual([`${base}/a/b`])
    })

    test('does nothing for a caller who has given up', async () => {
      const key = fresh()
      const signal = AbortSignal.abort(new Error('enough'))
      const aborted = { code: 'STORE_ABORTED', unknown: false, cause: new Error('enough') }
      await expect(store.put(key, bytes('x'), { signal })).rejects.toMatchObject(aborted)
      await expect(store.get(key, { signal })).rejects.toMatchObject(aborted)
      await expect(store.head(key, { signal })).rejects.toMatchObject(aborted)
      expect(await store.head(key)).toBeNull()
      await store.put(key, bytes('x'))
      await expect(all(store.list('', { signal }))).rejects.toMatchObject(aborted)
    })

    test('names the operation, the key and the store in an error', async () => {
      const error: StoreError = await store.get('a//b').catch((thrown) => thrown)
      expect(error).toMatchObject({ name: 'StoreError', operation: 'get', unknown: false })
      expect(error.key?.endsWith('a//b')).toBe(true)
      expect(error.message).toContain(error.store)
      expect(store.description.startsWith(error.store)).toBe(true)
    })

    streamContract(() => store, fresh)

    test('passes the probe, again and again', async () => {
      const key = fresh('probe')
      await probeConditionalPut(store, key)
      await probeConditionalPut(store, key)
    })
  })
}
