import { isIsoDate } from '../features/days.ts'

/** What a column may hold, and how a JSON value becomes it. */
export interface Field<T> {
  /** Ends the sentence "must be …". */
  readonly expected: string
  readonly accepts: (value: unknown) => boolean
  /** For a value that is accepted. */
  readonly toColumn: (value: unknown) => T
  /** Whether the property may be left out. */
  readonly optional: boolean
}

function field<T>(expected: string, accepts: (value: unknown) => value is T): Field<T> {
  return { expected, accepts, toColumn: (value) => value as T, optional: false }
}

/** May also be null or left out, which is the same. */
export function optional<T>(inner: Field<T>): Field<T | null> {
  return {
    expected: `${inner.expected}, or null`,
    accepts: (value) => value === null || inner.accepts(value),
    toColumn: (value) => (value === null || value === undefined ? null : inner.toColumn(value)),
    optional: true,
  }
}

/** Integer columns have 32 bits on PostgreSQL. */
const LARGEST = 2 ** 31 - 1

/** Ids come back in URLs, where a slash or a dot segment would not arrive as itself. */
export const id = field(
  'an id: 1 to 200 characters without control characters and slashes, not "." or ".."',
  (value): value is string => isText(value, 200) && !/[\p{Cc}/\\]/u.test(value) && !/^\.\.?$/.test(value),
)

export function text(maxLength: number): Field<string> {
  return field(`text of 1 to ${maxLength} characters`, (value): value is string => isText(value, maxLength))
}

export const date = field('a date as YYYY-MM-DD', isIsoDate)

export const cents = field(
  `whole cents (12.34 dollars are 1234), at most ${LARGEST} either way`,
  (value): value is number => Number.isInteger(value) && Math.abs(Number(value)) <= LARGEST,
)

export const amountOwed = field(
  `whole cents (12.34 dollars are 1234), 0 to ${LARGEST}`,
  (value): value is number => cents.accepts(value) && Number(value) >= 0,
)

export const percent = field(
  'a number of percent, 0 to 1000',
  (value): value is number => typeof value === 'number' && value >= 0 && value <= 1000,
)

export function oneOf<const T extends string>(...values: readonly T[]): Field<T> {
  const names = values.map((value) => JSON.stringify(value)).join(', ')
  return field(values.length === 1 ? names : `one of ${names}`, (value): value is T =>
    values.some((known) => known === value),
  )
}

export const flag: Field<0 | 1> = {
  expected: 'true or false (or 1 or 0)',
  accepts: (value) => value === true || value === false || value === 1 || value === 0,
  toColumn: (value) => (value === true || value === 1 ? 1 : 0),
  optional: false,
}

/** PostgreSQL cannot hold a NUL character, no encoding half a surrogate pair. */
function isText(value: unknown, maxLength: number): value is string {
  return (
    typeof value === 'string' &&
    value.length >= 1 &&
    value.length <= maxLength &&
    !value.includes('\0') &&
    value.isWellFormed()
  )
}
