import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeLtx } from '@thaw/ltx'
import type { ObjectStore } from '@thaw/store'
import { seededRandom } from '@thaw/testing'
import { expect, test } from 'vitest'
import { lostAnswer, open, refusal, rows, temporaryDirectory } from '../../test/kit.ts'
import { contents, contentsOfFile, perform, workload } from '../../test/workload.ts'
import {
  type Answer,
  bench,
  failNextGet,
  insert,
  persisted,
  settled,
  values,
} from '../../test/write-behind.ts'
import { WriteBehindLostError } from '../index.ts'
import { writePages } from '../page-file.ts'
import { restore } from '../restore.ts'
import { listLost } from './lost.ts'

const invocation = { requestId: '1', deadline: Number.POSITIVE_INFINITY }

async function writeElsewhere(store: ObjectStore, v = 'theirs'): Promise<void> {
  await insert(await open({ store }), v)
}

const outcomeOf = (promise: Promise<unknown>) => promise.catch((error: unknown) => error)

test('another writer came first: the error names what is kept, is raised once more, and the copy follows', async () => {
  const { db, store } = await bench()
  await insert(db, 'a')
  await insert(db, 'b')
  await writeElsewhere(store)
  const error = await outcomeOf(db.persist())
  expect(error).toBeInstanceOf(WriteBehindLostError)
  const [lost] = await listLost(store)
  expect(error).toMatchObject({
    code: 'WRITE_BEHIND_LOST',
    retryable: false,
    object: lost?.key,
    position: 1,
    writes: 2,
  })
  expect((error as Error).message).toContain(lost?.key)
  expect(lost).toMatchObject({ position: 1, size: expect.any(Number) })
  await expect(values(db)).rejects.toBe(error)
  expect(await values(db)).toEqual(['theirs'])
  await insert(db, 'c')
  await db.persist()
  expect(await persisted(store)).toEqual(['theirs', 'c'])
})

test('another writer came between the proof and the put', async () => {
  const { db, store, answers } = await bench()
  await insert(db, 'a')
  answers.push(async (put) => {
    await writeElsewhere(store)
    return put()
  })
  await expect(db.persist()).rejects.toMatchObject({ code: 'WRITE_BEHIND_LOST', writes: 1 })
  expect(await persisted(store)).toEqual(['theirs'])
})

test('what was acknowledged while the put was on its way is lost and kept as well', async () => {
  const { db, store, answers } = await bench()
  await insert(db, 'a')
  answers.push(async (put) => {
    await insert(db, 'b')
    await writeElsewhere(store)
    return put()
  })
  await expect(db.persist()).rejects.toMatchObject({ writes: 2 })
  await expect(values(db)).rejects.toBeInstanceOf(WriteBehindLostError)
  expect(await values(db)).toEqual(['theirs'])
})

/** The database file as of a transaction, from the bucket. */
async function fileAt(store: ObjectStore, txid: number): Promise<string> {
  const path = join(temporaryDirectory(), 'restored.db')
  await restore({ store, description: 'the database' }, path, txid)
  return path
}

const ltx = spawnSync('ltx', ['version']).status === 0

test.each([1, 2, 3, 4])(
  'applied to a restore of its position, what is kept gives every row as it was here: seed %i',
  async (seed) => {
    const random = seededRandom(`lost ${seed}`)
    const pageSize = random.pick([512, 4096])
    const { db, store } = await bench({}, { pageSize })
    const steps = workload(random, pageSize)
    for (let n = 0; n < 10; n++) await perform(db, steps.next().value)
    await db.persist()
    for (let n = 0; n < random.integer(1, 20); n++) await perform(db, steps.next().value)
    await insert(db, 'the last one')
    const before = await contents(db)
    await writeElsewhere(store)
    const error = (await outcomeOf(db.persist())) as WriteBehindLostError
    expect(error).toBeInstanceOf(WriteBehindLostError)

    const kept = await store.get(error.object)
    const { header, pages } = decodeLtx(kept?.body ?? new Uint8Array())
    expect(header).toMatchObject({ minTxid: error.position + 1, maxTxid: error.position + 1 })
    const path = await fileAt(store, error.position)
    const byTool = `${path}.tool`
    copyFileSync(path, byTool)
    writePages(path, header.pageSize, new Map(pages.map(({ number, data }) => [number, data])), header.commit)
    expect(contentsOfFile(path)).toEqual(before)
    if (ltx) {
      writeFileSync(`${path}.ltx`, kept?.body ?? '')
      execFileSync('ltx', ['apply', '-db', byTool, `${path}.ltx`], { stdio: 'pipe' })
      expect(contentsOfFile(byTool)).toEqual(before)
    }

    await expect(db.execute('SELECT 1')).rejects.toBe(error)
    expect(await contents(db)).toEqual(await contents(await open({ store })))
  },
)

test('whoever loses the first transaction keeps a whole database', async () => {
  const { store, clock } = await bench()
  await store.delete(['0000/0000000000000001-0000000000000001.ltx'])
  const db = await open({ store, clock, durability: 'write-behind' })
  await db.execute('CREATE TABLE mine(a)')
  const other = await open({ store, pageSize: 512 })
  await other.execute('CREATE TABLE theirs(a)')
  const error = (await outcomeOf(db.persist())) as WriteBehindLostError
  expect(error).toMatchObject({ code: 'WRITE_BEHIND_LOST', position: 0 })
  const { header, pages } = decodeLtx((await store.get(error.object))?.body ?? new Uint8Array())
  expect(pages).toHaveLength(header.commit)
  await expect(db.execute('SELECT 1')).rejects.toBe(error)
  expect(await rows(db, 'SELECT name FROM sqlite_schema')).toEqual([{ name: 'theirs' }])
})

test('while it cannot be kept nothing is undone', async () => {
  const { db, store, requests } = await bench()
  await insert(db, 'a')
  await writeElsewhere(store)
  const { put } = store
  store.put = async (key, body, options) => {
    if (key.startsWith('lost/')) throw refusal(key)
    return put(key, body, options)
  }
  await expect(db.persist()).rejects.toMatchObject({ code: 'PERSIST_FAILED', writes: 1 })
  await insert(db, 'b')
  expect(await values(db)).toEqual(['a', 'b'])
  store.put = put
  await expect(db.persist({ force: true })).rejects.toMatchObject({ code: 'WRITE_BEHIND_LOST', writes: 2 })
  expect(requests.filter((request) => request.startsWith('put 0000/'))).toEqual([])
  expect(await listLost(store)).toHaveLength(1)
})

test('when the bucket cannot be followed at once, nothing is built on the old state', async () => {
  const { db, store } = await bench()
  await insert(db, 'a')
  await writeElsewhere(store)
  const { get } = store
  const { put } = store
  store.put = async (key, body, options) => {
    // Kept, and from then on nothing can be read.
    if (key.startsWith('lost/')) store.get = async () => Promise.reject(refusal(key))
    return put(key, body, options)
  }
  await expect(db.persist()).rejects.toMatchObject({ code: 'WRITE_BEHIND_LOST' })
  await outcomeOf(db.execute('SELECT 1'))
  await expect(insert(db, 'b')).rejects.toMatchObject({ code: 'STORE_ACCESS_DENIED' })
  store.get = get
  await insert(db, 'b')
  expect(await values(db)).toEqual(['theirs', 'b'])
})

test('a history that was replaced is another writer too', async () => {
  const { db, store } = await bench()
  await insert(db, 'a')
  await store.delete(['0000/0000000000000001-0000000000000001.ltx'])
  const other = await open({ store })
  await other.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)')
  await insert(other, 'anew')
  await expect(db.persist()).rejects.toMatchObject({
    code: 'WRITE_BEHIND_LOST',
    cause: { code: 'HISTORY_CHANGED' },
  })
  await expect(values(db)).rejects.toMatchObject({ code: 'WRITE_BEHIND_LOST' })
  expect(await values(db)).toEqual(['anew'])
})

test('in the background: reported, and raised by the next use', async () => {
  const { db, store, reported } = await bench({ writes: 2 })
  await insert(db, 'a')
  await writeElsewhere(store)
  await insert(db, 'b')
  await settled()
  expect(reported).toEqual([expect.objectContaining({ code: 'WRITE_BEHIND_LOST', writes: 2 })])
  await expect(insert(db, 'c')).rejects.toBe(reported[0])
  await insert(db, 'c')
  expect(await values(db)).toEqual(['theirs', 'c'])
})

test('the look at the start of an invocation finds it before more is built on it', async () => {
  const { db, store } = await bench()
  await insert(db, 'a')
  await writeElsewhere(store)
  const first = db.around(invocation, () => insert(db, 'b'))
  await expect(first).rejects.toMatchObject({ code: 'WRITE_BEHIND_LOST', writes: 1 })
  await db.around(invocation, () => insert(db, 'c'))
  expect(await values(db)).toEqual(['theirs', 'c'])
})

test('an invocation whose own writes turn out to be lost at its end does not answer', async () => {
  const { db, store } = await bench({ writes: 1 })
  const answered = db.around(invocation, async () => {
    await db.execute('SELECT 1')
    await writeElsewhere(store)
    await insert(db, 'a')
    return 'stored'
  })
  await expect(answered).rejects.toMatchObject({ code: 'WRITE_BEHIND_LOST' })
  expect(await values(db)).toEqual(['theirs'])
})

test('close raises it, and is done', async () => {
  const { db, store } = await bench()
  await insert(db, 'a')
  await writeElsewhere(store)
  await expect(db.close()).rejects.toMatchObject({ code: 'WRITE_BEHIND_LOST' })
  await db.close()
  await expect(values(db)).rejects.toMatchObject({ code: 'DATABASE_CLOSED' })
})

test('changes that changed nothing are not lost', async () => {
  const { db, store } = await bench()
  await db.atomic((tx) => tx.execute('SELECT 1').rows)
  await writeElsewhere(store)
  expect(await db.around(invocation, () => values(db))).toEqual(['theirs'])
  expect(await listLost(store)).toEqual([])
})

test('an earlier put that did arrive is not lost with the rest', async () => {
  const { db, store, answers } = await bench({}, { commitTimeoutMs: 5 })
  await insert(db, 'a')
  const loseAnswer: Answer = async (put, key) => {
    await put()
    throw lostAnswer(key)
  }
  answers.push(loseAnswer)
  failNextGet(store, 2)
  await expect(db.persist()).rejects.toMatchObject({ code: 'PERSIST_FAILED' })
  await insert(db, 'b')
  await writeElsewhere(store)
  await expect(db.persist({ force: true })).rejects.toMatchObject({
    code: 'WRITE_BEHIND_LOST',
    position: 2,
    writes: 1,
  })
  expect(await persisted(store)).toEqual(['a', 'theirs'])
})
