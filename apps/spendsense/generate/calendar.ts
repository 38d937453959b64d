import { dayNumber, isoDate } from '../src/features/days.ts'

/** The last day of the data. */
export const LAST_DATE = '2026-10-31'

/** Days of transactions. */
export const DAYS = 180

const FIRST = dayNumber(LAST_DATE) - DAYS + 1

/** The date of day 0 (the first) to `DAYS - 1` (the last), and of days before and after. */
export function dateOf(day: number): string {
  return isoDate(FIRST + day)
}

/** The days on which something monthly falls, `dayOfMonth` 1 to 28. */
export function monthly(dayOfMonth: number): number[] {
  const suffix = `-${String(dayOfMonth).padStart(2, '0')}`
  return allDays().filter((day) => dateOf(day).endsWith(suffix))
}

/** Every `step` days from day `start` on. */
export function every(step: number, start: number): number[] {
  return allDays().filter((day) => day >= start && (day - start) % step === 0)
}

function allDays(): number[] {
  return Array.from({ length: DAYS }, (_, day) => day)
}
