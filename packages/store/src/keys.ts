import { StoreError, type StoreOperation } from './errors.ts'
import type { ByteRange } from './object-store.ts'

/** S3's limit for a name, in bytes of UTF-8. */
const maxKeyBytes = 1024

/** A segment of this name is the folder store's own. No store takes it, so that all take the same names. */
export const reservedSegment = '.thaw'

const control = /\p{Cc}/u

/** Says why a string is no name for an object; null when it is one. */
export function keyFault(key: string): string | null {
  if (key === '') return 'a name must not be empty'
  if (!key.isWellFormed()) return 'a name must be well-formed Unicode'
  if (Buffer.byteLength(key) > maxKeyBytes) return `a name must not exceed ${maxKeyBytes} bytes`
  if (control.test(key) || key.includes('\\')) return 'a name must not hold control characters or backslashes'
  for (const segment of key.split('/')) {
    if (segment === '') return 'a name must not begin or end with "/", nor hold "//"'
    if (segment === '.' || segment === '..') return 'a name must not hold the segments "." and ".."'
    if (segment === reservedSegment) return `the segment "${reservedSegment}" is reserved`
  }
  return null
}

/** False when no name at all begins with it, such as `../`. */
export function canBeginName(prefix: string): boolean {
  const slash = prefix.lastIndexOf('/')
  return slash < 0 || keyFault(prefix.slice(0, slash)) === null
}

/** Throws `STORE_BAD_KEY` for what is no name. */
export function checkKey(key: string, operation: StoreOperation, store: string): void {
  const fault = keyFault(key)
  if (fault !== null) throw new StoreError('STORE_BAD_KEY', fault, { operation, store, key })
}

/** Throws `STORE_BAD_RANGE` unless 0 ≤ start ≤ end. `end` may be `Infinity`. */
export function checkRange(range: ByteRange, key: string, store: string): void {
  const { start, end } = range
  if (
    Number.isSafeInteger(start) &&
    start >= 0 &&
    end >= start &&
    (Number.isSafeInteger(end) || end === Infinity)
  )
    return
  throw new StoreError('STORE_BAD_RANGE', `[${start}, ${end}) is no range of bytes`, {
    operation: 'get',
    store,
    key,
  })
}

/** Orders names by their UTF-8 bytes, as S3 does. JavaScript's own order differs beyond U+FFFF. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

/** Moves surrogates, which stand for the highest code points, above the rest of the code units. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}
