const DAY_MS = 86_400_000

/** Days since 1970-01-01 of an ISO date, `YYYY-MM-DD`. */
export function dayNumber(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) / DAY_MS
}

/** The ISO date of a number of days since 1970-01-01. */
export function isoDate(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10)
}

/** Whether `value` is a day of the calendar as `YYYY-MM-DD`, years 1000 to 9999. */
export function isIsoDate(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    /^[1-9]\d{3}-\d\d-\d\d$/.test(value) &&
    Number.isFinite(dayNumber(value)) &&
    isoDate(dayNumber(value)) === value
  )
}
