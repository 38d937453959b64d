import {
  type GetOptions,
  type ObjectInfo,
  type ObjectStore,
  type PutOptions,
  type PutResult,
  type StoredObject,
  StoreError,
  type StoreErrorCode,
} from '@thaw/store'
import type { SeededRandom } from '@thaw/testing'
import type { Environment } from './environment.ts'
import type { Fault } from './plan.ts'
import type { Scheduler } from './scheduler.ts'

const MAX_SKEW_MS = 15 * 60_000
const LONGEST_LATE_MS = 60_000
/** So late that the next request of the one who gave up may be on its way. */
const SOON_LATE_MS = 250
/** A connection seldom outlives a freeze of this length. */
const BREAKS_AFTER_MS = 60_000

type Operation = 'get' | 'head' | 'put' | 'list' | 'delete'

/** An object that came to be, when, and by whom. What was deleted since stays known. */
export interface Creation {
  readonly key: string
  readonly body: Uint8Array
  readonly tick: number
  /** The bucket's clock, ms. */
  readonly at: number
  readonly by: string
  /** Counts how often the bucket was emptied before. */
  readonly generation: number
}

export interface BucketOptions {
  readonly scheduler: Scheduler
  readonly random: SeededRandom
  /** What befalls a request of that environment; null for nothing. */
  readonly fault: (environment: Environment, operation: Operation) => Fault | null
  /** Told when an environment has just learned of a fault, before it does anything about it. */
  readonly onFault: (environment: Environment) => void
  /** How many objects a list answers with at once. */
  readonly listed: number
  /** A bucket that lets a conditional put overwrite: to see that the checker notices. */
  readonly ignoresConditions?: boolean
}

/**
 * A bucket across a bad network. Requests and answers take time, get lost, arrive late and out of order; the bucket
 * itself never lies. A put takes effect in one instant, and every request is refused that was signed more than 15
 * minutes from the bucket's clock.
 */
export class Bucket {
  readonly created: Creation[] = []
  generation = 0
  readonly #options: BucketOptions
  readonly #objects = new Map<string, StoredObject>()
  #versions = 0

  constructor(options: BucketOptions) {
    this.#options = options
  }

  /** The bucket as one environment reaches it. */
  connect(environment: Environment): ObjectStore {
    const request = <T>(
      operation: Operation,
      key: string,
      options: { readonly signedAt?: number | undefined },
      effect: () => T,
      busy?: T,
    ): Promise<T> => {
      const signedAt = options.signedAt ?? environment.clock.now()
      return this.#request(
        environment,
        operation,
        key,
        () => this.#signed(operation, key, signedAt, effect),
        busy,
      )
    }
    const { listed, random } = this.#options
    const list = (prefix: string, startAfter: string) =>
      request('list', `${prefix} > ${startAfter}`, {}, () => this.#list(prefix, startAfter).slice(0, listed))
    const remove = (keys: readonly string[]) =>
      request('delete', keys.join(' '), {}, () => {
        for (const key of keys) this.#objects.delete(key)
      })
    return {
      description: 'bucket',
      get: (key, options = {}) => request('get', key, {}, () => this.#get(key, options)),
      head: (key) => request('head', key, {}, () => this.#objects.get(key) ?? null),
      put: async (key, body, options = {}) => {
        // A late request carries the bytes and the signature of now.
        const pieces = body instanceof Uint8Array ? [body] : 'length' in body ? body : await gather(body)
        const bytes = Buffer.concat(pieces)
        const signedAt = typeof options.signedAt === 'function' ? await options.signedAt() : options.signedAt
        const effect = () => this.#put(key, bytes, options, environment.name)
        const busy = options.ifAbsent ? ({ outcome: 'busy' } as const) : undefined
        return request<PutResult>('put', key, { signedAt }, effect, busy)
      },
      async *list(prefix, { startAfter = '' } = {}) {
        for (let page = await list(prefix, startAfter); ; page = await list(prefix, page.at(-1)?.key ?? '')) {
          yield* page
          if (page.length < listed) return
        }
      },
      // Not one moment for all, nor in any order, and some may go and others not.
      delete: async (keys) => {
        const left = random.shuffle(keys)
        const parts: Promise<void>[] = []
        while (left.length > 0) parts.push(remove(left.splice(0, random.integer(1, 2 * left.length))))
        await Promise.all(parts)
      },
      close: async () => {},
    }
  }

  /** What the bucket holds, in no time. */
  get objects(): ReadonlyMap<string, StoredObject> {
    return this.#objects
  }

  /** Puts objects there in no time, as if they had been there before. */
  fill(objects: Iterable<readonly [string, Uint8Array]>, by: string): void {
    for (const [key, body] of objects) this.#put(key, body, {}, by)
  }

  /** Deletes everything. */
  wipe(): void {
    this.#objects.clear()
    this.generation++
  }

  #request<T>(env: Environment, operation: Operation, key: string, apply: () => T, busy?: T): Promise<T> {
    const { scheduler, random, fault: befalls, onFault } = this.#options
    return env.suspended((resolve, reject) => {
      const fault = befalls(env, operation)
      const sentAt = scheduler.now
      const label = `${env.name} ${operation} ${key}`
      const answer = (delayMs: number, what: string, run: () => void) =>
        scheduler.after(delayMs, env, `${label}: ${what}`, run)
      const fail = (
        delayMs: number,
        code: StoreErrorCode,
        what: string,
        unknown: boolean,
        status?: number,
      ) => {
        const details = { operation, store: 'bucket', key, status, unknown: unknown && operation === 'put' }
        answer(delayMs, what, () => {
          reject(new StoreError(code, what, details))
          onFault(env)
        })
      }
      const soon = () => random.integer(0, random.chance(0.1) ? 2_000 : 40)
      const timeout = () => (random.chance(0.5) ? soon() : random.integer(1_000, 10_000))

      scheduler.note(`${label}${fault ? ` will meet: ${fault}` : ''}`)
      if (fault === 'unreachable') return fail(timeout(), 'STORE_UNREACHABLE', 'no connection', false)
      if (fault === 'lose-request') return fail(timeout(), 'STORE_UNAVAILABLE', 'lost', true)
      if (fault === 'refuse') return fail(soon(), 'STORE_ACCESS_DENIED', '403', false, 403)
      if (fault === 'unavailable') return fail(soon(), 'STORE_UNAVAILABLE', '503', true, 503)
      if (fault === 'busy') {
        if (busy === undefined) return fail(soon(), 'STORE_UNAVAILABLE', '503', true, 503)
        return answer(soon(), '409', () => {
          resolve(busy)
          onFault(env)
        })
      }
      if (fault === 'late-request') {
        const gaveUp = timeout()
        fail(gaveUp, 'STORE_UNAVAILABLE', 'given up', true)
        const late = random.integer(0, random.chance(0.7) ? SOON_LATE_MS : LONGEST_LATE_MS)
        return scheduler.after(gaveUp + late, null, `${label} arrives late`, () => attempt(apply))
      }
      // A request that has not left its environment yet is frozen and killed with it.
      scheduler.after(soon(), random.chance(0.2) ? env : null, `${label} arrives`, () => {
        const result = attempt(apply)
        if (fault === 'lose-answer') return fail(timeout(), 'STORE_UNAVAILABLE', 'answer lost', true, 500)
        answer(soon(), describe(result), () => {
          const frozen = env.thawedAt > sentAt && env.thawedAt - sentAt > BREAKS_AFTER_MS
          if (frozen && random.chance(0.5)) {
            const details = { operation, store: 'bucket', key, unknown: operation === 'put' }
            reject(new StoreError('STORE_UNAVAILABLE', 'the connection did not outlive a freeze', details))
          } else if ('error' in result) reject(result.error)
          else resolve(result.value)
        })
      })
    })
  }

  #signed<T>(operation: Operation, key: string, signedAt: number, effect: () => T): T {
    if (Math.abs(this.#options.scheduler.now - signedAt) <= MAX_SKEW_MS) return effect()
    const details = { operation, store: 'bucket', key, answered: 403 }
    throw new StoreError('STORE_CLOCK_SKEW', 'signed too far from the time of the bucket', details)
  }

  #get(key: string, { ifMatch, range }: GetOptions): StoredObject | null {
    const object = this.#objects.get(key)
    if (!object) return null
    if (ifMatch !== undefined && ifMatch !== object.etag) {
      throw new StoreError('STORE_CHANGED', 'it has another etag', { operation: 'get', store: 'bucket', key })
    }
    return range ? { ...object, body: object.body.subarray(range.start, range.end) } : object
  }

  #put(key: string, body: Uint8Array, options: PutOptions, by: string): PutResult {
    const { scheduler, ignoresConditions } = this.#options
    if (options.ifAbsent && !ignoresConditions && this.#objects.has(key)) return { outcome: 'exists' }
    const etag = String(++this.#versions)
    this.#objects.set(key, { key, body, size: body.length, etag, modifiedAt: scheduler.now })
    const { now } = scheduler
    this.created.push({ key, body, tick: scheduler.tick(), at: now, by, generation: this.generation })
    return { outcome: 'stored', etag }
  }

  #list(prefix: string, startAfter: string): ObjectInfo[] {
    return [...this.#objects.values()]
      .filter(({ key }) => key.startsWith(prefix) && key > startAfter)
      .sort((a, b) => (a.key < b.key ? -1 : 1))
  }
}

async function gather(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(piece)
  return pieces
}

type Attempt<T> = { readonly value: T } | { readonly error: unknown }

function attempt<T>(effect: () => T): Attempt<T> {
  try {
    return { value: effect() }
  } catch (error) {
    return { error }
  }
}

function describe(result: Attempt<unknown>): string {
  if ('error' in result) return result.error instanceof StoreError ? result.error.code : String(result.error)
  const { value } = result
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return `${value.length} objects`
  return typeof value === 'object' && 'outcome' in value ? String(value.outcome) : 'an object'
}
