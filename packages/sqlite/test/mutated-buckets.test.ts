import { createHash } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { memoryStore } from '@thaw/store'
import { type SeededRandom, seededRandom } from '@thaw/testing'
import { expect, test } from 'vitest'
import { maintain } from '../src/index.ts'
import { planRestore, restore } from '../src/restore.ts'
import { AT_ONCE, deleteAsIfDaysLater } from './days-later.ts'
import { open, temporaryDirectory } from './kit.ts'
import { perform, workload } from './workload.ts'

/** Other ones, and more of them: THAW_SEED=5 THAW_MUTATIONS=10000 */
const seed = process.env.THAW_SEED ?? 'buckets'
const ROUNDS = Number(process.env.THAW_MUTATIONS ?? 250)
const STEPS = 24

type Bucket = Map<string, Uint8Array>

/** A database with a past: levels, a snapshot, single transactions, and some that retention has removed. */
async function makeBucket(name: string): Promise<{ bucket: Bucket; hashes: ReadonlyMap<number, string> }> {
  const random = seededRandom(seed) // the same numbers of transactions in each
  const store = memoryStore()
  const source = { store, description: name }
  const db = await open({ store, pageSize: 1024, maintainEvery: 0 })
  const changes = workload(random, 1024)
  const hashes = new Map<number, string>()
  const path = join(temporaryDirectory(), 'restored.db')
  await db.execute(`CREATE TABLE "${name}" (n)`)
  for (let n = 0; n < STEPS; n++) {
    await perform(db, changes.next().value)
    const { txid } = await restore(source, path)
    hashes.set(txid, hashOf(path))
    rmSync(path)
    const policy = n === 15 ? AT_ONCE : { ...AT_ONCE, snapshotAfterMs: Number.POSITIVE_INFINITY }
    if (n % 5 === 0) await maintain(source, { policy })
    if (n === 9) await deleteAsIfDaysLater(source, 2)
  }
  const bucket: Bucket = new Map()
  for await (const { key } of store.list('')) {
    if (key.endsWith('.ltx')) bucket.set(key, (await store.get(key))?.body ?? new Uint8Array())
  }
  return { bucket, hashes }
}

function hashOf(path: string): string {
  return createHash('sha1').update(readFileSync(path)).digest('hex')
}

const STRAY = [
  '0000/readme.txt',
  '0001/0000000000000001-0000000000000002.ltx.tmp',
  '0002/.ltx',
  '0009/x-y.ltx',
]

/**
 * Something that goes wrong with the objects of a bucket.
 * @param needed the objects that a restore reads
 * @returns what
 */
function damage(bucket: Bucket, foreign: Bucket, needed: readonly string[], random: SeededRandom): string {
  const keys = [...bucket.keys()]
  const there = needed.filter((key) => bucket.has(key))
  const key = random.pick(there.length > 0 && random.chance(0.6) ? there : keys)
  const other = random.pick(keys)
  const body = bucket.get(key) ?? new Uint8Array()
  const name = (first: number, last: number) =>
    [first, last].map((txid) => txid.toString(16).padStart(16, '0')).join('-')
  switch (random.integer(0, 8)) {
    case 0:
      bucket.delete(key)
      return `${key} is deleted`
    case 1:
      bucket.set(key, body.subarray(0, random.integer(0, body.length - 1)))
      return `${key} is cut off`
    case 2: {
      const copy = body.slice()
      const at = random.integer(0, copy.length - 1)
      copy[at] = (copy[at] ?? 0) ^ (1 << random.integer(0, 7))
      bucket.set(key, copy)
      return `${key} has another bit at ${at}`
    }
    case 3:
      bucket.set(key, bucket.get(other) ?? body)
      bucket.set(other, body)
      return `${key} and ${other} are swapped`
    case 4: {
      const first = random.integer(1, STEPS)
      const moved = `${random.pick(['0000', '0001', '0002', '0003', '0009'])}/${name(first, first + random.integer(0, 4))}.ltx`
      bucket.delete(key)
      bucket.set(moved, body)
      return `${key} is renamed ${moved}`
    }
    case 5: {
      const level = random.pick(['0001', '0002', '0003', '0009'])
      bucket.set(`${level}/${key.slice(5)}`, body)
      return `${key} is copied to ${level}`
    }
    case 6:
      bucket.set(random.pick(STRAY), random.bytes(random.integer(0, 300)))
      return 'a stray file is there'
    case 7: {
      const from = foreign.get(key)
      if (from) bucket.set(key, from)
      return `${key} is of another database`
    }
    default:
      for (const one of keys.filter((one) => one.startsWith(key.slice(0, 5)))) bucket.delete(one)
      return `level ${key.slice(0, 4)} is gone`
  }
}

const REFUSALS = /^(RestoreError|HistoryChangedError|FileVanishedError)$/

test(`whatever goes wrong with its objects, a database is refused or right (seed ${seed})`, {
  timeout: 3_600_000,
}, async () => {
  const own = await makeBucket('own')
  const foreign = await makeBucket('foreign')
  const path = join(temporaryDirectory(), 'restored.db')
  const healthy = memoryStore()
  for (const [key, body] of own.bucket) await healthy.put(key, body)
  const plan = await planRestore({ store: healthy, description: 'healthy' }, Number.POSITIVE_INFINITY)
  const needed = plan.files.map(({ key }) => key)
  expect(needed.length).toBeGreaterThan(3)
  const seen = { refused: 0, right: 0, followed: 0, maintained: 0 }

  for (let round = 0; round < ROUNDS; round++) {
    const random = seededRandom(`${seed}/${round}`)
    const bucket = new Map(own.bucket)
    const store = memoryStore()
    const source = { store, description: 'the database' }
    for (const [key, body] of bucket) await store.put(key, body)
    const warm = random.chance(0.2) ? await open({ store, maintainEvery: 0 }) : null
    const what = Array.from({ length: random.integer(1, 2) }, () =>
      damage(bucket, foreign.bucket, needed, random),
    ).join(', ')
    const message = `seed ${seed}, round ${round}: ${what}`
    for (const key of own.bucket.keys()) if (!bucket.has(key)) await store.delete([key])
    for (const [key, body] of bucket) if (own.bucket.get(key) !== body) await store.put(key, body)

    /** The transaction that is restored; null when it is refused. */
    const restored = async (): Promise<number | null> => {
      try {
        const { txid } = await restore(source, path)
        if (txid === 0) return 0
        expect([own.hashes.get(txid), foreign.hashes.get(txid)], message).toContain(hashOf(path))
        return txid
      } catch (error) {
        if (!(error instanceof Error) || !REFUSALS.test(error.name)) throw error
        return null
      } finally {
        rmSync(path, { force: true })
      }
    }

    const before = await restored()
    if (before === null) seen.refused++
    else seen.right++
    if (warm) {
      try {
        await warm.execute('SELECT 1')
        seen.followed++
      } catch (error) {
        expect((error as Error).name, message).toMatch(REFUSALS)
      }
      await warm.close()
    }
    try {
      await maintain(source, { policy: AT_ONCE })
      seen.maintained++
    } catch (error) {
      expect((error as Error).name, message).toMatch(REFUSALS)
    }
    await deleteAsIfDaysLater(source, random.integer(0, 40))
    const after = await restored()
    if (before !== null) expect(after, `${message}, after maintenance`).toBe(before)
  }
  for (const [outcome, times] of Object.entries(seen)) expect(times, outcome).toBeGreaterThan(ROUNDS / 25)
})
