import { MalformedEventError } from '../errors.ts'
import { eachText } from './fields.ts'

const none: ReadonlyMap<string, string> = new Map()

/**
 * The headers of an event by their names in lower case; a repeated one is joined to the one before.
 *
 * @param singles the map of single values.
 * @param lists the map of lists, of events that say headers twice: it has everything, and `singles` counts for names
 * that only it has (events written by hand).
 * @throws MalformedEventError
 */
export function readHeaders(singles: unknown, lists?: unknown): Map<string, string> {
  const headers = collect(lists, 'multiValueHeaders', none)
  const others = collect(singles, 'headers', headers)
  if (headers.size === 0) return others
  for (const [name, value] of others) headers.set(name, value)
  return headers
}

function collect(map: unknown, field: string, known: ReadonlyMap<string, string>): Map<string, string> {
  const headers = new Map<string, string>()
  eachText(map, field, (name, value) => {
    const key = headerName(name)
    if (!known.has(key)) addHeader(headers, key, value)
  })
  return headers
}

/** Adds what a front says of the header `key`, which is in lower case. Throws `MalformedEventError`. */
export function addHeader(headers: Map<string, string>, key: string, value: string): void {
  const before = headers.get(key)
  const bytes = headerBytes(key, value)
  headers.set(key, before === undefined ? bytes : joinHeader(key, before, bytes))
}

/** One value of a header that was sent twice. RFC 9110, 5.3; RFC 6265, 5.4. */
export function joinHeader(key: string, before: string, value: string): string {
  return before + (key === 'cookie' ? '; ' : ', ') + value
}

// Fronts decode header bytes as UTF-8; a `Headers` value, like Node's, holds one character for each byte.
function headerBytes(key: string, value: string): string {
  if (/^[ -~]*$/.test(value)) return value
  if (/[\0\r\n]/.test(value)) throw new MalformedEventError(`headers.${key}`, 'holds a line break or NUL.')
  return asBytes(value)
}

/** `text` with one character for each byte that it has in UTF-8, as Node wants header values. */
export function asBytes(text: string): string {
  return Buffer.from(text).toString('latin1')
}

/** By name as events spell it: a function sees the same few again and again. */
const known = new Map<string, string>()

function headerName(name: string): string {
  const key = known.get(name)
  if (key !== undefined) return key
  if (!isToken(name)) throw new MalformedEventError(`headers.${name}`, 'is no HTTP header name.')
  const lower = name.toLowerCase()
  // Clients choose names: what they make up must not stay.
  if (known.size < 256) known.set(name, lower)
  return lower
}

/** Whether HTTP allows `value` as a method, or as the name of a header. RFC 9110, 5.6.2. */
export function isToken(value: string): boolean {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(value)
}
