import { memoryStore, type ObjectStore, type PutResult } from '@thaw/store'
import { linkKey } from '../src/chain.ts'
import type { OpenOptions, SetTimer, SqliteDatabase, WriteBehindSettings } from '../src/index.ts'
import { lostAnswer, open, testClock, withOperations } from './kit.ts'

/** Timers that go off when the test says so. */
export interface ManualTimers {
  readonly setTimer: SetTimer
  /** For how long each timer that is armed was set, ms. */
  readonly armed: readonly number[]
  /** All that are armed go off. */
  fire(): void
}

export function manualTimers(): ManualTimers {
  const timers = new Map<() => void, number>()
  return {
    setTimer(then, ms) {
      const timer = () => then()
      timers.set(timer, ms)
      return () => void timers.delete(timer)
    },
    get armed() {
      return [...timers.values()]
    },
    fire() {
      for (const timer of [...timers.keys()]) if (timers.delete(timer)) timer()
    },
  }
}

/** What happens to a put of a transaction instead of the put itself. */
export type Answer = (put: () => Promise<PutResult>, key: string) => Promise<PutResult>

export interface Bench {
  readonly store: ObjectStore
  readonly clock: ReturnType<typeof testClock>
  readonly timers: ManualTimers
  /** Requests of the database so far, `put 0000/…2.ltx`. */
  readonly requests: string[]
  /** For the next puts of transactions, one after the other. */
  readonly answers: Answer[]
  /** What was reported with nobody waiting. */
  readonly reported: Error[]
  readonly db: SqliteDatabase
}

/** A database in write-behind mode over a store in memory that is watched, with one empty table, persisted. */
export async function bench(
  settings: WriteBehindSettings = {},
  options: Partial<OpenOptions> = {},
): Promise<Bench> {
  const clock = testClock()
  const store = memoryStore({ now: clock.now })
  const timers = manualTimers()
  const requests: string[] = []
  const answers: Answer[] = []
  const reported: Error[] = []
  const watched = withOperations(store, {
    get: (key, asked) => {
      requests.push(`get ${key}`)
      return store.get(key, asked)
    },
    list: (prefix, asked) => {
      requests.push(`list ${prefix}`)
      return store.list(prefix, asked)
    },
    put: (key, body, asked) => {
      requests.push(`put ${key}`)
      const put = () => store.put(key, body, asked)
      const answer = key.startsWith('0000/') ? answers.shift() : undefined
      return answer ? answer(put, key) : put()
    },
  })
  const db = await open({
    store: watched,
    clock,
    durability: 'write-behind',
    writeBehind: {
      writes: null,
      intervalMs: null,
      setTimer: timers.setTimer,
      onPersistError: (error) => void reported.push(error),
      ...settings,
    },
    ...options,
  })
  await db.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)')
  await db.persist()
  requests.length = 0
  return { store, clock, timers, requests, answers, reported, db }
}

export const insert = (db: SqliteDatabase, v: string) => db.execute('INSERT INTO t(v) VALUES (?)', [v])

export async function values(db: SqliteDatabase): Promise<unknown[]> {
  return (await db.execute('SELECT v FROM t ORDER BY id')).rows.map(({ v }) => v)
}

/** What a process that starts now finds in the bucket. */
export async function persisted(store: ObjectStore): Promise<unknown[]> {
  const other = await open({ store })
  return values(other)
}

/** The next time that a transaction is asked for, it cannot be had. */
export function failNextGet(store: ObjectStore, txid: number): void {
  const { get } = store
  store.get = async (key, options) => {
    if (key !== linkKey(txid)) return get(key, options)
    store.get = get
    throw lostAnswer(key)
  }
}

/** A put that waits until it is let go. */
export function heldPut(): { answer: Answer; sent: Promise<void>; let(): void } {
  const sent = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  return {
    sent: sent.promise,
    let: () => gate.resolve(),
    answer: async (put) => {
      sent.resolve()
      await gate.promise
      return put()
    },
  }
}

/** Resolves when everything has run that needs no timer. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
}
