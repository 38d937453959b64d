import { RequestError } from './errors.ts'
import { isIsoDate } from './features/days.ts'
import { WINDOWS, type Window } from './features/ledger.ts'
import { MAX_PAGE } from './users.ts'

const PAGE = 50

/** `limit`: 1 to `MAX_PAGE`, 50 unless given. */
export function readLimit(value: string | undefined): number {
  if (value === undefined) return PAGE
  const limit = /^\d{1,4}$/.test(value) ? Number(value) : 0
  if (limit < 1 || limit > MAX_PAGE) throw invalid('limit', value, `a whole number from 1 to ${MAX_PAGE}`)
  return limit
}

/** `window`: 30 or 180 days, 30 unless given. */
export function readWindow(value: string | undefined): Window {
  if (value === undefined) return 30
  const window = WINDOWS.find((days) => String(days) === value)
  if (window === undefined) throw invalid('window', value, WINDOWS.join(' or '))
  return window
}

/** `asOf`: a date, or left out. */
export function readAsOf(value: string | undefined): string | undefined {
  if (value !== undefined && !isIsoDate(value)) throw invalid('asOf', value, 'a date as YYYY-MM-DD')
  return value
}

function invalid(name: string, value: string, expected: string): RequestError {
  return new RequestError(
    'INVALID_QUERY',
    `${name} must be ${expected}, not ${JSON.stringify(value.slice(0, 50))}.`,
  )
}
