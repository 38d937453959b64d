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
 * Goes through a map of strings, or of lists of them, in order; what is null is left out. Throws
 * `MalformedEventError`.
 */
export function eachText(value: unknown, field: string, take: (name: string, value: string) => void): void {
  if (value === undefined || value === null) return
  if (!isObject(value)) throw new MalformedEventError(field, `must be an object, not ${describe(value)}.`)
  for (const name of Object.keys(value)) {
    const entry = value[name]
    if (typeof entry === 'string') take(name, entry)
    else if (Array.isArray(entry)) {
      for (const part of textList(entry, `${field}.${name}`)) take(name, part)
    } else text(entry, `${field}.${name}`)
  }
}

/** The pairs of such a map. Throws `MalformedEventError`. */
export function textPairs(value: unknown, field: string): [name: string, value: string][] {
  const pairs: [string, string][] = []
  eachText(value, field, (name, part) => pairs.push([name, part]))
  return pairs
}

/** `value` where it is an object with anything in it, otherwise null: for parts of an event that are passed on. */
export function fieldsOrNull(value: unknown): Fields | null {
  return isObject(value) && Object.keys(value).length > 0 ? value : null
}

/** `value` where it is a string that says something, otherwise null: for parts of an event that are passed on. */
export function wordOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
