import type { Parsed } from '../units.ts'
import { type Field, fieldProblem, readValue, readValues } from './field.ts'

/** The days on which a schedule runs in one month (1 to 12), ascending; there may be none. */
export type DaysOf = (year: number, month: number) => readonly number[]

const dayOfMonth: Field = {
  name: 'day of the month',
  min: 1,
  max: 31,
  steps: true,
  also: `L (the last), 15W (the weekday nearest to the 15th) or LW (the last weekday)`,
}

const dayOfWeek: Field = {
  name: 'day of the week',
  min: 1,
  max: 7,
  names: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'],
  steps: false,
  also: `L (Saturday), 6L (the last Friday) or 6#3 (the third Friday)`,
}

/** Reads the two fields for days, of which one has to be `?`. */
export function readDays(ofMonth: string, ofWeek: string): Parsed<DaysOf> {
  if ((ofMonth === '?') === (ofWeek === '?')) {
    return { problem: `it must have '?' in one of the two days, and only in one` }
  }
  return ofWeek === '?' ? readDaysOfMonth(ofMonth) : readDaysOfWeek(ofWeek)
}

function readDaysOfMonth(text: string): Parsed<DaysOf> {
  if (text === 'L') return { value: (year, month) => [lengthOf(year, month)] }
  if (text === 'LW') return { value: (year, month) => [nearestWeekday(year, month, lengthOf(year, month))] }
  const weekday = /^(\d{1,2})W$/.exec(text)
  if (weekday !== null) {
    const day = readValue(weekday[1] ?? '', dayOfMonth)
    if (day === null) return fieldProblem(text, dayOfMonth)
    return {
      value: (year, month) => (day > lengthOf(year, month) ? [] : [nearestWeekday(year, month, day)]),
    }
  }
  const read = readValues(text, dayOfMonth)
  if ('problem' in read) return read
  return { value: (year, month) => read.value.filter((day) => day <= lengthOf(year, month)) }
}

function readDaysOfWeek(text: string): Parsed<DaysOf> {
  if (text === 'L') return { value: weekdays([7]) }
  const special = /^([A-Za-z]{3}|\d)(?:L|#([1-5]))$/.exec(text)
  if (special !== null) {
    const [, dayText = '', nth] = special
    const day = readValue(dayText, dayOfWeek)
    if (day === null) return fieldProblem(text, dayOfWeek)
    const all = weekdays([day])
    // The fifth does not come in every month.
    return {
      value: (year, month) =>
        nth === undefined ? all(year, month).slice(-1) : all(year, month).slice(Number(nth) - 1, Number(nth)),
    }
  }
  const read = readValues(text, dayOfWeek)
  return 'problem' in read ? read : { value: weekdays(read.value) }
}

/** Every day of a month that is one of these days of the week (1 is Sunday). */
function weekdays(days: readonly number[]): DaysOf {
  return (year, month) =>
    Array.from({ length: lengthOf(year, month) }, (_, index) => index + 1).filter((day) =>
      days.includes(weekdayOf(year, month, day)),
    )
}

/** Monday to Friday, as near as can be without leaving the month. */
function nearestWeekday(year: number, month: number, day: number): number {
  const weekday = weekdayOf(year, month, day)
  if (weekday === 7) return day === 1 ? 3 : day - 1
  if (weekday === 1) return day === lengthOf(year, month) ? day - 2 : day + 1
  return day
}

function weekdayOf(year: number, month: number, day: number): number {
  return new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 1
}

function lengthOf(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate()
}
