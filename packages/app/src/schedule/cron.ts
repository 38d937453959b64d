import type { Parsed } from '../units.ts'
import { type DaysOf, readDays } from './days.ts'
import { type Field, readValues } from './field.ts'

/** The times of a cron expression, in UTC. */
export interface Cron {
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  readonly daysOf: DaysOf
  /** 1 to 12. */
  readonly months: readonly number[]
  readonly years: readonly number[]
}

const minute: Field = { name: 'minute', min: 0, max: 59, steps: true }
const hour: Field = { name: 'hour', min: 0, max: 23, steps: true }
const month: Field = {
  name: 'month',
  min: 1,
  max: 12,
  names: ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
  steps: true,
}
const year: Field = { name: 'year', min: 1970, max: 2199, steps: true }

const MINUTE = 60_000
const DAY = 86_400_000

/**
 * Reads what stands between the brackets of `cron(…)`: minutes, hours, days of the month, months, days of the week and
 * years. What cannot come (30 February) is a problem too.
 *
 * Source: "Cron expressions reference" of the EventBridge user guide. Where it is silent, only what Quartz means by it as
 * well is taken: names in small letters, `LW`, `FRIL`, `FRI#2`.
 */
export function readCron(text: string): Parsed<Cron> {
  const parts = text.split(' ')
  const [minuteText = '', hourText = '', dayText = '', monthText = '', weekdayText = '', yearText = ''] =
    parts
  if (parts.length !== 6 || parts.includes('')) {
    return {
      problem:
        'it needs six fields with one space between: minutes, hours, day of the month, month, day of the week, year',
    }
  }
  const minutes = readValues(minuteText, minute)
  const hours = readValues(hourText, hour)
  const days = readDays(dayText, weekdayText)
  const months = readValues(monthText, month)
  const years = readValues(yearText, year)
  if ('problem' in minutes) return minutes
  if ('problem' in hours) return hours
  if ('problem' in days) return days
  if ('problem' in months) return months
  if ('problem' in years) return years
  const cron: Cron = {
    minutes: minutes.value,
    hours: hours.value,
    daysOf: days.value,
    months: months.value,
    years: years.value,
  }
  return nextCronTime(cron, Number.NEGATIVE_INFINITY) === null
    ? { problem: 'it names a day that never comes' }
    : { value: cron }
}

/** The first time after `afterMs` (Unix, ms), or null when there is none any more. */
export function nextCronTime(cron: Cron, afterMs: number): number | null {
  for (const year of cron.years) {
    if (Date.UTC(year + 1, 0, 1) <= afterMs) continue
    for (const month of cron.months) {
      if (Date.UTC(year, month, 1) <= afterMs) continue
      for (const day of cron.daysOf(year, month)) {
        const midnight = Date.UTC(year, month - 1, day)
        if (midnight + DAY <= afterMs) continue
        const time = nextOfDay(cron, midnight, afterMs)
        if (time !== null) return time
      }
    }
  }
  return null
}

function nextOfDay({ hours, minutes }: Cron, midnight: number, afterMs: number): number | null {
  for (const hour of hours) {
    for (const minute of minutes) {
      const time = midnight + (hour * 60 + minute) * MINUTE
      if (time > afterMs) return time
    }
  }
  return null
}
