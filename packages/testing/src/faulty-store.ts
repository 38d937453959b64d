import { setTimeout as wait } from 'node:timers/promises'
import {
  type ObjectStore,
  type PutOptions,
  type PutResult,
  StoreError,
  type StoreOperation,
} from '@thaw/store'
import type { SeededRandom } from './random.ts'

/** A request that is about to reach the store. */
export interface StoreCall {
  readonly operation: Exclude<StoreOperation, 'probe'>
  /** For list, the prefix; for a delete of several, the first. */
  readonly key: string
  /** Counts all calls, from 1. */
  readonly number: number
  /** Only of a put. */
  readonly options?: PutOptions
}

/** Faults that a real store may show, and no others: a store never lies about what it holds. */
export type FaultKind =
  /** The request never arrives; the caller cannot know. */
  | 'lose-request'
  /** The request takes effect and its answer never arrives; the caller cannot know. */
  | 'lose-answer'
  /** The caller gives up, and `lateMs` afterwards the request takes effect after all. */
  | 'late-request'
  /** 403: definitely nothing happened. */
  | 'refuse'
  /** 409 to a put: definitely nothing happened. Other operations are answered with 503. */
  | 'busy'
  /** 503: nothing happened, which the caller cannot know. */
  | 'unavailable'

export interface Fault {
  readonly kind?: FaultKind
  /** Before the request reaches the store, in ms. */
  readonly delayMs?: number
  /** Between effect and answer, in ms. */
  readonly answerDelayMs?: number
  /** For `late-request`, in ms. */
  readonly lateMs?: number
}

/** Says what befalls a call; nothing when it is undefined. */
export type FaultPlan = (call: StoreCall) => FaultKind | Fault | undefined

export interface FaultyStoreOptions {
  /** How delays pass; real time by default. */
  readonly sleep?: (ms: number) => Promise<void>
  /** A store that accepts every conditional put, as some S3 servers do. */
  readonly ignoreConditions?: boolean
}

export interface FaultyStore extends ObjectStore {
  /** Resolves when no late request is under way any more. */
  settled(): Promise<void>
}

/** Wraps a store; calls suffer what the plan says. Each `list` is one call. */
export function faultyStore(
  store: ObjectStore,
  plan: FaultPlan,
  options: FaultyStoreOptions = {},
): FaultyStore {
  const sleep = options.sleep ?? ((ms) => wait(ms))
  const late = new Set<Promise<unknown>>()
  let number = 0

  async function suffer<T>(
    call: Omit<StoreCall, 'number'>,
    apply: () => Promise<T>,
    busy?: () => T,
  ): Promise<T> {
    const planned = plan({ ...call, number: ++number })
    const fault: Fault = typeof planned === 'string' ? { kind: planned } : (planned ?? {})
    if (fault.delayMs) await sleep(fault.delayMs)
    switch (fault.kind) {
      case 'lose-request':
        throw failure(call, 'STORE_UNAVAILABLE', 'the connection broke', undefined)
      case 'late-request':
        track(sleep(fault.lateMs ?? 0).then(apply))
        throw failure(call, 'STORE_UNAVAILABLE', 'no answer in time', undefined)
      case 'refuse':
        throw failure(call, 'STORE_ACCESS_DENIED', 'HTTP 403', 403)
      case 'unavailable':
        throw failure(call, 'STORE_UNAVAILABLE', 'HTTP 503', 503)
      case 'busy':
        if (busy) return busy()
        throw failure(call, 'STORE_UNAVAILABLE', 'HTTP 503', 503)
    }
    const result = await apply()
    if (fault.answerDelayMs) await sleep(fault.answerDelayMs)
    if (fault.kind === 'lose-answer')
      throw failure(call, 'STORE_UNAVAILABLE', 'the connection broke', undefined)
    return result
  }

  function track(work: Promise<unknown>): void {
    // Whether it takes effect is nobody's business any more.
    const quiet = work.catch(() => {}).finally(() => late.delete(quiet))
    late.add(quiet)
  }

  function failure(
    call: Omit<StoreCall, 'number'>,
    code: 'STORE_UNAVAILABLE' | 'STORE_ACCESS_DENIED',
    message: string,
    status: number | undefined,
  ): StoreError {
    const writes = call.operation === 'put' || call.operation === 'delete'
    const unknown = writes && code === 'STORE_UNAVAILABLE'
    const { operation, key } = call
    return new StoreError(code, `${message} (planned)`, {
      operation,
      key,
      store: store.description,
      answered: status,
      unknown,
    })
  }

  return {
    description: store.description,
    get: (key, asked) => suffer({ operation: 'get', key }, () => store.get(key, asked)),
    head: (key, asked) => suffer({ operation: 'head', key }, () => store.head(key, asked)),
    async put(key, body, asked = {}) {
      const { ifAbsent: _, ifMatch: __, ...unconditional } = asked
      const effective = options.ignoreConditions ? unconditional : asked
      const busy = (): PutResult => ({ outcome: 'busy' })
      // A late request carries the bytes and the signature of now.
      const pieces = body instanceof Uint8Array ? [body] : 'length' in body ? body : await gather(body)
      const bytes = pieces.map((piece) => piece.slice())
      const signedAt = typeof asked.signedAt === 'function' ? await asked.signedAt() : asked.signedAt
      const signed = signedAt === undefined ? effective : { ...effective, signedAt }
      return suffer({ operation: 'put', key, options: asked }, () => store.put(key, bytes, signed), busy)
    },
    async *list(prefix, asked) {
      yield* await suffer({ operation: 'list', key: prefix }, () => gather(store.list(prefix, asked)))
    },
    delete: (keys) => suffer({ operation: 'delete', key: keys[0] ?? '' }, () => store.delete(keys)),
    close: () => store.close(),
    async settled() {
      while (late.size > 0) await Promise.all(late)
    },
  }
}

async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const gathered: T[] = []
  for await (const item of items) gathered.push(item)
  return gathered
}

/** How likely each fault is: probabilities that add up to 1 at most. */
export type FaultOdds = Partial<Record<FaultKind, number>>

/** A plan that draws one fault per call. `delayMs` and `lateMs` are drawn up to the given maximum. */
export function randomFaults(
  random: SeededRandom,
  odds: FaultOdds,
  delays: { readonly delayMs?: number; readonly lateMs?: number } = {},
): FaultPlan {
  const { delayMs = 0, lateMs = 0 } = delays
  return () => {
    let left = random.next()
    const kind = (Object.entries(odds) as [FaultKind, number][]).find(([, probability]) => {
      left -= probability
      return left < 0
    })?.[0]
    const drawn = { delayMs: random.integer(0, delayMs), lateMs: random.integer(0, lateMs) }
    return kind ? { kind, ...drawn } : drawn
  }
}

/** A plan that gives the puts these faults, one after the other, and then none. */
export function faultsOfPuts(...faults: readonly (FaultKind | Fault | undefined)[]): FaultPlan {
  const left = [...faults]
  return (call) => (call.operation === 'put' ? left.shift() : undefined)
}
