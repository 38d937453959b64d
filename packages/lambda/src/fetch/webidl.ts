// What Web IDL does with arguments before a class sees them. https://webidl.spec.whatwg.org/

/** What `Object.prototype.toString` calls `value`: `Blob`, `Response`. Looks at no global, which might load its class. */
export function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1)
}

/** @throws TypeError when fewer than `needed` arguments came. */
export function needArguments(count: number, needed: number, what: string): void {
  if (count >= needed) return
  throw new TypeError(
    `${what}: ${needed} argument${needed === 1 ? '' : 's'} required, but only ${count} found.`,
  )
}

/** A string whose characters stand for bytes. Throws TypeError for others, and for symbols. */
export function byteString(value: unknown): string {
  const text = `${value}`
  if (/[^\0-\xff]/.test(text)) throw new TypeError(`Cannot convert ${JSON.stringify(text)} to a ByteString.`)
  return text
}

/** A dictionary: an object, or nothing at all. */
export function dictionary(value: unknown, what: string): Record<string, unknown> {
  if (value === undefined || value === null) return {}
  if (typeof value === 'object' || typeof value === 'function') return value as Record<string, unknown>
  throw new TypeError(`${what}: Expected ${String(value)} to be one of: Null, Undefined, Object.`)
}

/** One of `allowed`; undefined when absent. */
export function oneOf(value: unknown, allowed: readonly string[], what: string): string | undefined {
  if (value === undefined) return undefined
  const text = `${value}`
  if (allowed.includes(text)) return text
  throw new TypeError(`${what}: ${text} is not an accepted type. Expected one of ${allowed.join(', ')}.`)
}

/** Whether `value` is of `own` or, where the question is about `own` itself, of the runtime's class of that name. */
export function isInstance(
  asked: unknown,
  own: { readonly prototype: object },
  name: string,
  value: unknown,
) {
  if (Function.prototype[Symbol.hasInstance].call(asked, value)) return true
  return asked === own && value !== own.prototype && typeof value === 'object' && tagOf(value) === name
}

/** Gives a class and its members the names and the visibility that Web IDL gives to interfaces. */
export function asInterface(own: { readonly prototype: object }, name: string): void {
  // Minifiers rename classes.
  Object.defineProperty(own, 'name', { value: name, configurable: true })
  Object.defineProperty(own.prototype, Symbol.toStringTag, { value: name, configurable: true })
  for (const target of [own, own.prototype]) {
    for (const member of Object.getOwnPropertyNames(target)) {
      if (!hidden.has(member)) Object.defineProperty(target, member, { enumerable: true })
    }
  }
}

const hidden = new Set(['constructor', 'length', 'name', 'prototype'])

/** Where Node asks an object how it wants to be printed. */
export const inspect = Symbol.for('nodejs.util.inspect.custom')

/** Prints a class by its getters, as Node prints its own. */
export function inspectWith(
  name: string,
  shown: object,
  options: { depth?: number | null },
  print: (value: unknown, options: object) => string,
): string {
  return `${name} ${print(shown, { ...options, depth: options.depth ?? 2 })}`
}

/** What relative URLs are relative to: nothing, unless somebody called `setGlobalOrigin` of undici. */
export function baseUrl(): string | undefined {
  const origin = (globalThis as unknown as Record<symbol, unknown>)[Symbol.for('undici.globalOrigin.1')]
  return origin === undefined ? undefined : String(origin)
}
