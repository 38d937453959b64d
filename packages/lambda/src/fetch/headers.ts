import { asInterface, byteString, inspect, inspectWith, isInstance, needArguments } from './webidl.ts'

type Pair = readonly [name: string, value: string]

/** Headers that hold `fields` (names in lower case, values joined), which are copied before the first change. */
export let headersOver: (fields: ReadonlyMap<string, string>) => Headers

/** The pairs of `headers` in no particular order, `set-cookie` once for each; null for headers of another class. */
export let pairsOf: (headers: unknown) => Iterable<Pair> | null

/** Lets nobody change `headers` any more. */
export let freezeHeaders: (headers: Headers) => void

/** A copy that can be changed if `headers` can. */
export let cloneHeaders: (headers: Headers) => Headers

/** Stands in for `Headers`. https://fetch.spec.whatwg.org/#headers-class */
export class Headers {
  /** By name in lower case; values of a name are joined, those of `set-cookie` too. */
  #fields: Map<string, string>
  #cookies: string[] = none
  #isShared = false
  #isFrozen = false
  /** What iteration shows, until the next change. */
  #sorted: Pair[] | null = null

  static {
    headersOver = (fields) => {
      const headers = new Headers()
      headers.#fields = fields as Map<string, string>
      headers.#isShared = true
      const cookies = fields.get('set-cookie')
      if (cookies !== undefined) headers.#cookies = [cookies]
      return headers
    }
    pairsOf = (headers) => (isObject(headers) && #fields in headers ? headers.#pairs() : null)
    freezeHeaders = (headers) => {
      headers.#isFrozen = true
    }
    cloneHeaders = (headers) => {
      const copy = new Headers(headers)
      copy.#isFrozen = headers.#isFrozen
      return copy
    }
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return isInstance(this, Headers, 'Headers', value)
  }

  constructor(init: unknown = undefined) {
    if (init !== undefined && isObject(init) && #fields in init && init[Symbol.iterator] === entries) {
      this.#fields = new Map(init.#fields)
      // Values are trimmed once more, which one that was joined with an empty one needs.
      for (const [name, value] of init.#fields)
        if (value.endsWith(' ')) this.#fields.set(name, value.trimEnd())
      this.#cookies = init.#cookies
      return
    }
    this.#fields = new Map()
    if (init !== undefined) this.#fill(init)
  }

  append(name: string, value: string): void {
    needArguments(arguments.length, 2, 'Headers.append')
    this.#append(name, value, 'append')
  }

  delete(name: string): void {
    needArguments(arguments.length, 1, 'Headers.delete')
    const key = readName(name, 'delete')
    const fields = this.#change()
    fields.delete(key)
    if (key === 'set-cookie') this.#cookies = none
  }

  get(name: string): string | null {
    needArguments(arguments.length, 1, 'Headers.get')
    return this.#fields.get(readName(name, 'get')) ?? null
  }

  has(name: string): boolean {
    needArguments(arguments.length, 1, 'Headers.has')
    return this.#fields.has(readName(name, 'has'))
  }

  set(name: string, value: string): void {
    needArguments(arguments.length, 2, 'Headers.set')
    const key = readName(name, 'set')
    const text = readValue(value, 'set')
    this.#change().set(key, text)
    if (key === 'set-cookie') this.#cookies = [text]
  }

  getSetCookie(): string[] {
    return [...this.#cookies]
  }

  keys(): HeadersIterator<string> {
    return new HeadersIterator(
      () => this.#sort(),
      ([name]) => name,
    )
  }

  values(): HeadersIterator<string> {
    return new HeadersIterator(
      () => this.#sort(),
      ([, value]) => value,
    )
  }

  entries(): HeadersIterator<[string, string]> {
    return new HeadersIterator(
      () => this.#sort(),
      ([name, value]) => [name, value],
    )
  }

  forEach(callback: (value: string, name: string, headers: Headers) => void, receiver?: unknown): void {
    needArguments(arguments.length, 1, 'Headers.forEach')
    if (typeof callback !== 'function') {
      throw new TypeError("Failed to execute 'forEach' on 'Headers': parameter 1 is not of type 'Function'.")
    }
    for (let index = 0; index < this.#sort().length; index++) {
      const [name, value] = this.#sort()[index] as Pair
      Reflect.apply(callback, receiver, [value, name, this])
    }
  }

  declare [Symbol.iterator]: () => HeadersIterator<[string, string]>;

  [inspect](_depth: number, options: object, print: (value: unknown, options: object) => string): string {
    return inspectWith('Headers', Object.fromEntries(this.#fields), options, print)
  }

  #append(name: unknown, value: unknown, method: string): void {
    const key = readName(name, method)
    const text = readValue(value, method)
    const fields = this.#change()
    const before = fields.get(key)
    fields.set(key, before === undefined ? text : `${before}${key === 'cookie' ? '; ' : ', '}${text}`)
    if (key === 'set-cookie') this.#cookies = [...this.#cookies, text]
  }

  /** The fields, about to be changed. */
  #change(): Map<string, string> {
    if (this.#isFrozen) throw new TypeError('immutable')
    if (this.#isShared) {
      this.#fields = new Map(this.#fields)
      this.#isShared = false
    }
    this.#sorted = null
    return this.#fields
  }

  #pairs(): Iterable<Pair> {
    if (this.#cookies.length < 2) return this.#fields
    const others = [...this.#fields].filter(([name]) => name !== 'set-cookie')
    return [...others, ...this.#cookies.map((cookie): Pair => ['set-cookie', cookie])]
  }

  #sort(): readonly Pair[] {
    this.#sorted ??= [...this.#pairs()].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    return this.#sorted
  }

  // https://fetch.spec.whatwg.org/#concept-headers-fill
  #fill(init: unknown): void {
    if (!isObject(init)) {
      throw new TypeError(
        'Headers constructor: Argument 1 could not be converted to one of: sequence<sequence<ByteString>>, ' +
          'record<ByteString, ByteString>.',
      )
    }
    const iterate = (init as Partial<Iterable<unknown>>)[Symbol.iterator]
    // All are read before the first is used, as Web IDL does.
    const pairs =
      iterate === undefined || iterate === null
        ? readRecord(init as Record<string, unknown>)
        : Array.from(init as Iterable<unknown>, readPair)
    for (const [name, value] of pairs) this.#append(name, value, 'append')
  }
}

const none: string[] = []
const { entries } = Headers.prototype
Object.defineProperty(Headers.prototype, Symbol.iterator, {
  value: entries,
  writable: true,
  configurable: true,
})
asInterface(Headers, 'Headers')

/** Shows what headers have at the moment of each step: they may change between two. */
class HeadersIterator<T> implements IterableIterator<T> {
  declare [Symbol.iterator]: () => this
  #index = 0
  readonly #pairs: () => readonly Pair[]
  readonly #pick: (pair: Pair) => T

  constructor(pairs: () => readonly Pair[], pick: (pair: Pair) => T) {
    this.#pairs = pairs
    this.#pick = pick
  }

  next(): IteratorResult<T, undefined> {
    const pair = this.#pairs()[this.#index]
    if (pair === undefined) return { value: undefined, done: true }
    this.#index++
    return { value: this.#pick(pair), done: false }
  }
}

// The prototype of all iterators has the rest: `map`, `take`, `Symbol.iterator`.
Object.setPrototypeOf(HeadersIterator.prototype, Object.getPrototypeOf(Object.getPrototypeOf([].values())))
asInterface(HeadersIterator, 'Headers Iterator')

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

function readRecord(record: Record<string, unknown>): [string, string][] {
  const pairs: [string, string][] = []
  for (const name of Reflect.ownKeys(record)) {
    if (!Object.prototype.propertyIsEnumerable.call(record, name)) continue
    pairs.push([byteString(name), byteString(record[name as string])])
  }
  return pairs
}

function readPair(pair: unknown): [string, string] {
  const parts =
    isObject(pair) && Symbol.iterator in pair ? Array.from(pair as Iterable<unknown>, byteString) : null
  const [name, value] = parts ?? []
  if (parts?.length === 2 && name !== undefined && value !== undefined) return [name, value]
  throw new TypeError(
    `Headers constructor: expected name/value pair to be length 2, found ${parts?.length ?? 0}.`,
  )
}

function readName(value: unknown, method: string): string {
  const name = `${value}`
  if (/^[\w!#$%&'*+\-.^`|~]+$/.test(name)) return name.toLowerCase()
  throw new TypeError(`Headers.${method}: ${JSON.stringify(byteString(name))} is an invalid header name.`)
}

function readValue(value: unknown, method: string): string {
  let text = `${value}`
  if (plainValue.test(text)) return text
  text = byteString(text).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '')
  if (!/[\0\n\r]/.test(text)) return text
  throw new TypeError(`Headers.${method}: ${JSON.stringify(text)} is an invalid header value.`)
}

/** Most values: visible, with no space at either end. */
const plainValue = /^[!-~](?:[ -~]*[!-~])?$/
