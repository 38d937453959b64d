import { MalformedEventError } from '../errors.ts'

export type Fields = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a value is, in words for an error message. */
export function describe(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  if (Array.isArray(value)) return 'an array'
  if (!isObject(value)) return `a ${typeof value}`
  const keys = Object.keys(value)
  if (keys.length === 0) return 'an empty object'
  return `an object with the keys ${keys.slice(0, 20).join(', ')}${keys.length > 20 ? ', …' : ''}`
}

/** A field that is a string, or null when it is absent. Throws `MalformedEventError` for anything else. */
export function text(value: unknown, field: string): string | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'string') return value
  throw new MalformedEventError(field, `must be a string, not ${typeof value}.`)
}

/** A list of strings; absent is empty. Throws `MalformedEventError`. */
export function textList(value: unknown, field: string): string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new MalformedEventError(field, `must be an array, not ${typeof value}.`)
  return value.map((entry, index) => {
    if (typeof entry === 'string') return entry
    throw new MalformedEventError(`${field}[${index}]`, 'must be a string.')
  })
}

/**
 * The pairs of a map of strings, or of lists of them, in order; what is null is left out. Throws
 * `MalformedEventError`.
 */
export function textPairs(value: unknown, field: string): [name: string, value: string][] {
  if (value === undefined || value === null) return []
  if (!isObject(value)) throw new MalformedEventError(field, `must be an object, not ${describe(value)}.`)
  const pairs: [string, string][] = []
  for (const [name, entry] of Object.entries(value)) {
    if (Array.isArray(entry)) {
      for (const part of textList(entry, `${field}.${name}`)) pairs.push([name, part])
    } else {
      const part = text(entry, `${field}.${name}`)
      if (part !== null) pairs.push([name, part])
    }
  }
  return pairs
}

/**
 * The headers or the query of an event that says them twice: in a map of lists, which has everything, and in a map of
 * single values, which counts for names that only it has (events written by hand). Throws `MalformedEventError`.
 */
export function mergedPairs(
  event: MapsOfBoth,
  field: 'headers' | 'queryStringParameters',
): [name: string, value: string][] {
  const listsField = field === 'headers' ? 'multiValueHeaders' : 'multiValueQueryStringParameters'
  const pairs = textPairs(event[listsField], listsField)
  const singles = textPairs(event[field], field)
  if (pairs.length === 0 || singles.length === 0) return pairs.length === 0 ? singles : pairs
  const same = (name: string) => (field === 'headers' ? name.toLowerCase() : name)
  const known = new Set(pairs.map(([name]) => same(name)))
  return [...pairs, ...singles.filter(([name]) => !known.has(same(name)))]
}

interface MapsOfBoth {
  readonly headers?: unknown
  readonly multiValueHeaders?: unknown
  readonly queryStringParameters?: unknown
  readonly multiValueQueryStringParameters?: unknown
}

/** `value` where it is an object with anything in it, otherwise null: for parts of an event that are passed on. */
export function fieldsOrNull(value: unknown): Fields | null {
  return isObject(value) && Object.keys(value).length > 0 ? value : null
}

/** `value` where it is a string that says something, otherwise null: for parts of an event that are passed on. */
export function wordOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
