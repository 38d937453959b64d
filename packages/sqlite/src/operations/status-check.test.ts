import { readdirSync } from 'node:fs'
import { memoryStore, type ObjectStore, StoreError } from '@thaw/store'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { counting, open, temporaryDirectory, testClock, withOperations } from '../../test/kit.ts'
import { linkKey } from '../chain.ts'
import { listAll } from '../files.ts'
import { maintain } from '../maintenance/maintain.ts'
import { checkDatabase } from './check.ts'
import { status } from './status.ts'

const START = 1_700_000_000_000
let clock: ReturnType<typeof testClock>
let store: ObjectStore
const source = () => ({ store, description: 'the database' })

/** Five transactions, one a second, of which three are compacted. */
beforeEach(async () => {
  clock = testClock(START)
  store = memoryStore({ now: clock.now })
  const db = await open({ store, clock, maintainEvery: 0, pageSize: 512 })
  for (let txid = 1; txid <= 5; txid++) {
    await db.execute(`CREATE TABLE t${txid}(a)`)
    if (txid === 3) await maintain(source(), { policy: { compactAtFiles: 3 } })
    clock.advance(1000)
  }
})

test('status tells the head, the levels, what a restore reads and how far maintenance is behind', async () => {
  const files = await listAll(store)
  const size = (...names: string[]) =>
    files.filter(({ key }) => names.includes(key)).reduce((sum, file) => sum + file.size, 0)
  const compacted = files.find(({ level }) => level === 1)
  expect(await status(source())).toEqual({
    head: { txid: 5, timestamp: START + 4000, pageSize: 512, bytes: 6 * 512 },
    levels: [
      {
        level: 0,
        files: 5,
        bytes: size(...[1, 2, 3, 4, 5].map(linkKey)),
        first: 1,
        last: 5,
        oldestAt: START,
        newestAt: START + 4000,
      },
      {
        level: 1,
        files: 1,
        bytes: compacted?.size,
        first: 1,
        last: 3,
        oldestAt: START + 2000,
        newestAt: START + 2000,
      },
    ],
    restore: { files: 3, bytes: size(compacted?.key ?? '', linkKey(4), linkKey(5)) },
    tail: { files: 2, bytes: size(linkKey(4), linkKey(5)), oldestAt: START + 3000 },
    lost: [],
    problem: null,
  })
})

test('status writes nothing, and says when there is nothing or when something is missing', async () => {
  const counted = counting(store)
  await status({ ...source(), store: counted })
  expect(counted.calls).toMatchObject({ put: 0, get: 1 })
  expect(await status({ ...source(), store: memoryStore() })).toEqual({
    head: null,
    levels: [],
    restore: { files: 0, bytes: 0 },
    tail: { files: 0, bytes: 0, oldestAt: null },
    lost: [],
    problem: null,
  })
  await store.delete([linkKey(4)])
  const broken = await status(source())
  expect(broken.head?.txid).toBe(3)
  expect(broken.problem).toContain(`${linkKey(4)} is not there`)
})

test('status and check tell what write-behind lost', async () => {
  const db = await open({ store, clock, durability: 'write-behind', writeBehind: { writes: null } })
  await db.execute('CREATE TABLE mine(a)')
  const other = await open({ store, clock })
  await other.execute('CREATE TABLE theirs(a)')
  await expect(db.persist()).rejects.toMatchObject({ code: 'WRITE_BEHIND_LOST' })
  const { lost, problem } = await status(source())
  expect(lost).toEqual([
    {
      key: expect.stringMatching(/^lost\/0{15}5-[0-9a-f]{16}\.ltx$/),
      position: 5,
      size: expect.any(Number),
      keptAt: START + 5000,
    },
  ])
  expect(problem).toBe(null)
  const [result] = await checkDatabase(source(), { clock, parts: ['download'] })
  expect(result).toMatchObject({ ok: true, detail: expect.stringContaining(lost[0]?.key ?? 'nothing') })
})

/** Everything in the store but the two objects that checks use. */
async function data(): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const { key, etag } of store.list('')) if (!key.startsWith('thaw/')) found.push([key, etag])
  return found
}

test('check exercises every part and leaves the data alone', async () => {
  const before = await data()
  const temporary = temporaryDirectory()
  vi.stubEnv('TMPDIR', temporary)
  onTestFinished(() => void vi.unstubAllEnvs())
  const results = await checkDatabase(source(), { clock })
  expect(results.map(({ part, ok }) => [part, ok])).toEqual([
    ['configuration', true],
    ['upload', true],
    ['download', true],
    ['manager', true],
  ])
  expect(results[2]?.detail).toMatch(
    /^transaction 5 restores from 3 files \(\d+ bytes\) to 3072 bytes; integrity_check ok$/,
  )
  expect(results[3]?.detail).toBe('opens at transaction 5, with 5 tables')
  expect(await data()).toEqual(before)
  expect(readdirSync(temporary)).toEqual([])
  const [empty] = await checkDatabase({ ...source(), store: memoryStore() }, { parts: ['download'] })
  expect(empty).toEqual({ part: 'download', ok: true, detail: 'there is no database yet' })
})

test.each([4, 5])('a damaged object is named: transaction %i', async (txid) => {
  const bytes = Uint8Array.from((await store.get(linkKey(txid)))?.body ?? [])
  bytes[200] = (bytes[200] ?? 0) ^ 0xff
  await store.put(linkKey(txid), bytes)
  const results = await checkDatabase(source(), { clock })
  expect(results.map(({ ok }) => ok)).toEqual([true, true, false, false])
  for (const result of results.slice(2)) {
    expect(result.detail).toContain(`${linkKey(txid)} of the database is damaged`)
    expect(result).toMatchObject({ error: { code: 'RESTORE_CORRUPT' } })
  }
})

const settings = { prefix: 'app/', versioning: 'off', rules: [] } as const
const rule = { id: 'r', enabled: true, prefix: '', expires: false, expiresNoncurrent: false, movesTo: [] }

test.each([
  [{}, 'no lifecycle rule harms it; versioning is off'],
  [
    { rules: null, versioning: null },
    'may not be read (s3:GetLifecycleConfiguration); versioning may not be read',
  ],
  [{ rules: [{ ...rule, expires: true, prefix: 'apple/' }] }, 'no lifecycle rule harms it'],
  [{ rules: [{ ...rule, expires: true, enabled: false }] }, 'no lifecycle rule harms it'],
  [{ rules: [{ ...rule, movesTo: ['STANDARD_IA', 'GLACIER_IR'] }] }, 'no lifecycle rule harms it'],
  [{ versioning: 'enabled' }, 'versioning is enabled and no rule removes noncurrent versions'],
  [{ versioning: 'enabled', rules: [{ ...rule, expiresNoncurrent: true }] }, /versioning is enabled$/],
] as const)('what is set for the bucket is told: %j', async (set, told) => {
  const options = {
    clock,
    parts: ['configuration'],
    settings: async () => ({ ...settings, ...set }),
  } as const
  const [result] = await checkDatabase(source(), options)
  expect(result).toMatchObject({
    ok: true,
    detail: expect.stringMatching(told instanceof RegExp ? told : /./),
  })
  if (typeof told === 'string') expect(result?.detail).toContain(told)
})

test.each([
  ['', { expires: true }, 'deletes'],
  ['a', { expires: true }, 'deletes'],
  ['app/0009/', { expires: true }, 'deletes'],
  ['', { movesTo: ['STANDARD_IA', 'DEEP_ARCHIVE'] }, 'archives'],
] as const)('a rule on %j with %j is found', async (prefix, harm, does) => {
  const rules = [{ ...rule, prefix, ...harm }]
  const options = { clock, parts: ['configuration'], settings: async () => ({ ...settings, rules }) } as const
  const [result] = await checkDatabase(source(), options)
  expect(result).toMatchObject({ ok: false, error: { code: 'EXPIRY_RULE' } })
  expect(result?.detail).toContain(`rule "r" ${does} objects`)
})

test('history reads what no restore of the head needs', async () => {
  const check = async () => (await checkDatabase(source(), { clock, parts: ['history'] }))[0]
  expect((await check())?.detail).toMatch(
    /^6 files \(\d+ bytes\) are whole and of one history; 5 states can be restored, from transaction 1 to 5$/,
  )
  const bytes = Uint8Array.from((await store.get(linkKey(2)))?.body ?? [])
  const damaged = Uint8Array.from(bytes)
  damaged[150] = (damaged[150] ?? 0) ^ 0xff
  await store.put(linkKey(2), damaged)
  expect(await check()).toMatchObject({ ok: false, error: { code: 'RESTORE_CORRUPT' } })
  const [download] = await checkDatabase(source(), { clock, parts: ['download'] })
  expect(download).toMatchObject({ ok: true })

  // Whole, and of another database.
  const other = memoryStore({ now: clock.now })
  const db = await open({ store: other, clock, pageSize: 512 })
  for (let txid = 1; txid <= 3; txid++) await db.execute(`CREATE TABLE other${txid}(a)`)
  for (const txid of [2, 3]) {
    await store.put(linkKey(2), bytes)
    await store.put(linkKey(txid), (await other.get(linkKey(txid)))?.body ?? new Uint8Array())
    expect(await check(), `transaction ${txid}`).toMatchObject({
      ok: false,
      error: { code: 'HISTORY_CHANGED' },
    })
  }
})

test('a missing object is named', async () => {
  await store.delete([linkKey(4)])
  const [result] = await checkDatabase(source(), { clock, parts: ['download'] })
  expect(result).toMatchObject({ ok: false, error: { code: 'RESTORE_GAP' } })
  expect(result?.detail).toContain(linkKey(4))
})

test('what the store does not do right is found', async () => {
  const check = async (replaced: Partial<ObjectStore>, skewMs = 0) => {
    const skewed = { ...clock, now: () => clock.now() + skewMs }
    const bad = withOperations(store, replaced)
    const results = await checkDatabase({ ...source(), store: bad }, { clock: skewed })
    return Object.fromEntries(results.map((result) => [result.part, result.ok ? 'ok' : codeOf(result.error)]))
  }
  const denied = async () => {
    throw new StoreError('STORE_ACCESS_DENIED', 'not allowed', { operation: 'put', store: 'memory:' })
  }
  expect(await check({ put: denied })).toEqual({
    configuration: 'STORE_ACCESS_DENIED',
    upload: 'STORE_ACCESS_DENIED',
    download: 'ok',
    manager: 'ok',
  })
  const unconditional = {
    put: (key: string, body: Uint8Array | readonly Uint8Array[]) => store.put(key, body),
  }
  expect(await check(unconditional)).toMatchObject({
    configuration: 'ok',
    upload: 'STORE_IGNORES_CONDITIONS',
  })
  const forgetful: Partial<ObjectStore> = { put: async () => ({ outcome: 'stored', etag: '' }) }
  await store.delete(['thaw/check'])
  expect(await check(forgetful)).toMatchObject({ configuration: 'CHECK_FAILED', upload: 'CHECK_FAILED' })
  expect(await check({}, 59_000)).toMatchObject({ configuration: 'ok' })
  expect(await check({}, 61_000)).toMatchObject({ configuration: 'CLOCK_SKEW', upload: 'ok' })
  expect(await check({}, -61_000)).toMatchObject({ configuration: 'CLOCK_SKEW' })
})

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : error
}

test('a snapshot that another database left behind is found, though no restore reads it', async () => {
  const elsewhere = memoryStore({ now: clock.now })
  const other = await open({ store: elsewhere, clock, maintainEvery: 0, pageSize: 512 })
  for (let txid = 1; txid <= 2; txid++) await other.execute(`CREATE TABLE other${txid}(a)`)
  const policy = { compactAtFiles: 2 }
  const [key = ''] = (await maintain({ store: elsewhere, description: 'the other' }, { policy })).created
  const object = await elsewhere.get(key)
  expect(key).toBe('0001/0000000000000001-0000000000000002.ltx')
  expect(await checkDatabase(source(), { parts: ['download'], clock })).toMatchObject([{ ok: true }])
  await store.put(key, object?.body ?? new Uint8Array())
  expect(await checkDatabase(source(), { parts: ['download'], clock })).toMatchObject([
    { ok: false, detail: expect.stringContaining(`${key} of the database is of another database`) },
  ])
})
