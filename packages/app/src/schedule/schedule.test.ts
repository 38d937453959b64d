import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextTime, scheduleProblem } from './schedule.ts'

const at = (text: string) => Date.parse(`${text}Z`)

/** The next runs after a time, as `2026-01-31T09:00`. */
function runs(expression: string, after: string, count: number): string[] {
  const times: string[] = []
  let time: number | null = at(after)
  while (times.length < count) {
    time = nextTime(expression, time)
    if (time === null) break
    times.push(new Date(time).toISOString().slice(0, 16))
  }
  return times
}

test.each([
  ['cron(0 10 * * ? *)', ['2026-01-31T10:00', '2026-02-01T10:00']],
  ['cron(0 18 ? * MON-FRI *)', ['2026-02-02T18:00', '2026-02-03T18:00']],
  ['cron(0 18 ? * 2-6 *)', ['2026-02-02T18:00', '2026-02-03T18:00']],
  ['cron(0/15 * * * ? *)', ['2026-01-31T09:15', '2026-01-31T09:30']],
  ['cron(1/20 * * * ? *)', ['2026-01-31T09:01', '2026-01-31T09:21']],
  ['cron(5,35 14 * * ? *)', ['2026-01-31T14:05', '2026-01-31T14:35']],
  ['cron(0 8-17/3 ? * Mon-fri *)', ['2026-02-02T08:00', '2026-02-02T11:00', '2026-02-02T14:00']],
  ['cron(0 0 L * ? *)', ['2026-02-28T00:00', '2026-03-31T00:00', '2026-04-30T00:00']],
  // 1 February 2026 is a Sunday, 1 August a Saturday, 31 May a Sunday.
  ['cron(0 0 1W * ? *)', ['2026-02-02T00:00', '2026-03-02T00:00', '2026-04-01T00:00']],
  ['cron(0 0 1W AUG ? *)', ['2026-08-03T00:00', '2027-08-02T00:00']],
  ['cron(0 0 31W 4,5 ? *)', ['2026-05-29T00:00', '2027-05-31T00:00']],
  ['cron(0 0 15W * ? *)', ['2026-02-16T00:00', '2026-03-16T00:00', '2026-04-15T00:00']],
  ['cron(0 0 LW * ? *)', ['2026-02-27T00:00', '2026-03-31T00:00']],
  ['cron(0 0 ? * L *)', ['2026-02-07T00:00', '2026-02-14T00:00']],
  ['cron(15 10 ? * 6L *)', ['2026-02-27T10:15', '2026-03-27T10:15']],
  ['cron(15 10 ? * FRIL *)', ['2026-02-27T10:15', '2026-03-27T10:15']],
  ['cron(0 9 ? * 3#2 *)', ['2026-02-10T09:00', '2026-03-10T09:00']],
  ['cron(0 9 ? * tue#5 *)', ['2026-03-31T09:00', '2026-06-30T09:00']],
  ['cron(0 0 29 FEB ? *)', ['2028-02-29T00:00', '2032-02-29T00:00']],
  ['cron(59 23 31 12 ? 2198-2199)', ['2198-12-31T23:59', '2199-12-31T23:59']],
  ['cron(0 0 1 1 ? 1970,2027)', ['2027-01-01T00:00']],
  ['cron(07 06 1 JAN-DEC/6 ? *)', ['2026-07-01T06:07', '2027-01-01T06:07']],
])('%s', (expression, times) => {
  expect(scheduleProblem(expression)).toBeNull()
  expect(runs(expression, '2026-01-31T09:00', times.length)).toEqual(times)
})

test('a schedule whose last time is over has no next one', () => {
  expect(nextTime('cron(0 0 1 1 ? 2027)', at('2026-12-31T23:59'))).toBe(at('2027-01-01T00:00'))
  expect(nextTime('cron(0 0 1 1 ? 2027)', at('2027-01-01T00:00'))).toBeNull()
})

test('a rate is counted from its start', () => {
  const start = at('2026-01-31T09:00:12')
  const minute = 60_000
  expect(nextTime('rate(5 minutes)', start - 7 * minute, start)).toBe(start + 5 * minute)
  expect(nextTime('rate(5 minutes)', start, start)).toBe(start + 5 * minute)
  expect(nextTime('rate(5 minutes)', start + 5 * minute - 1, start)).toBe(start + 5 * minute)
  expect(nextTime('rate(5 minutes)', start + 5 * minute, start)).toBe(start + 10 * minute)
  expect(nextTime('rate(1 hour)', start)).toBe(start + 60 * minute)
  expect(nextTime('rate(2 days)', start)).toBe(start + 2 * 1_440 * minute)
})

test('what is no schedule has no times', () => {
  expect(() => nextTime('cron(0 6 * * * *)', 0)).toThrow(
    `schedule: 'cron(0 6 * * * *)' is no schedule: it must have '?' in one of the two days, and only in one`,
  )
})

test.each([
  ['rate(0 minutes)', 'is no rate; write'],
  ['rate(5 minute)', `write 'rate(5 minutes)'`],
  ['rate(1 hours)', `write 'rate(1 hour)'`],
  ['rate(5 seconds)', 'is no rate'],
  ['every day', `'every day' is no schedule; write`],
  ['cron(0 6 * * ?)', 'needs six fields'],
  ['cron(0 6  * * ? *)', 'needs six fields'],
  ['cron(0 6 * * * *)', `must have '?'`],
  ['cron(0 6 ? * ? *)', `must have '?'`],
  ['cron(60 6 * * ? *)', `'60' is no minute; it takes 0 to 59`],
  ['cron(-1 6 * * ? *)', `'-1' is no minute`],
  ['cron(0 24 * * ? *)', `'24' is no hour; it takes 0 to 23`],
  ['cron(? 6 * * ? *)', `'?' is no minute`],
  ['cron(0/0 6 * * ? *)', `a step of a minute is from 1 to 59`],
  ['cron(15/65 6 * * ? *)', `'15/65' steps by 65`],
  ['cron(/5 6 * * ? *)', `'/5' is no minute`],
  ['cron(0/5/2 6 * * ? *)', `'0/5/2' is no minute`],
  ['cron(5, 6 * * ? *)', `'' is no minute`],
  ['cron(*-5 6 * * ? *)', `'*-5' is no minute`],
  ['cron(0 22-2 * * ? *)', `'22-2' runs backwards; write two ranges`],
  ['cron(0 6 0 * ? *)', `'0' is no day of the month; it takes 1 to 31, L (the last)`],
  ['cron(0 6 32 * ? *)', `'32' is no day of the month`],
  ['cron(0 6 32W * ? *)', `'32W' is no day of the month`],
  ['cron(0 6 W * ? *)', `'W' is no day of the month`],
  ['cron(0 6 L-3 * ? *)', `'L' is no day of the month`],
  ['cron(0 6 L,15 * ? *)', `'L' is no day of the month`],
  ['cron(0 6 1W,15W * ? *)', `'1W' is no day of the month`],
  ['cron(0 6 1-5W * ? *)', `'5W' is no day of the month`],
  ['cron(0 6 3#2 * ? *)', `'3#2' is no day of the month`],
  ['cron(0 6 * 13 ? *)', `'13' is no month; it takes 1 to 12 or JAN to DEC`],
  ['cron(0 6 * JANUARY ? *)', `'JANUARY' is no month`],
  ['cron(0 6 * ? ? *)', `'?' is no month`],
  ['cron(0 6 ? * 0 *)', `'0' is no day of the week; it takes 1 to 7 or SUN to SAT`],
  ['cron(0 6 ? * 8 *)', `'8' is no day of the week`],
  ['cron(0 6 ? * MONDAY *)', `'MONDAY' is no day of the week`],
  ['cron(0 6 ? * FRI-MON *)', `'FRI-MON' runs backwards`],
  ['cron(0 6 ? * 2/2 *)', `EventBridge takes no steps ('/') there`],
  ['cron(0 6 ? * 3#6 *)', `'3#6' is no day of the week`],
  ['cron(0 6 ? * 8#1 *)', `'8#1' is no day of the week`],
  ['cron(0 6 ? * 3#1,6#3 *)', `'3#1' is no day of the week`],
  ['cron(0 6 ? * 5W *)', `'5W' is no day of the week`],
  ['cron(0 6 * * ? 1969)', `'1969' is no year; it takes 1970 to 2199`],
  ['cron(0 6 * * ? 2200)', `'2200' is no year`],
  ['cron(0 6 * * ? ?)', `'?' is no year`],
  ['cron(0 6 30 2 ? *)', 'it names a day that never comes'],
  ['cron(0 6 31 4,6 ? *)', 'it names a day that never comes'],
  ['cron(0 6 29 2 ? 2100)', 'it names a day that never comes'],
  ['cron(0 6 ? 2 1#5 2026)', 'it names a day that never comes'],
])('%s is refused', (expression, message) => {
  expect(scheduleProblem(expression)).toContain(message)
})

/** A field as text, and what it means without its text being read again. */
interface Meaning {
  readonly text: string
  readonly has: (value: number) => boolean
}

const names = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

function fieldOf(min: number, max: number, steps = true): fc.Arbitrary<Meaning> {
  const number = fc.integer({ min, max })
  const one = number.map((n): Meaning => ({ text: String(n), has: (value) => value === n }))
  const range = fc
    .tuple(number, number)
    .map(([a, b]): readonly [number, number] => (a < b ? [a, b] : [b, a]))
    .map(([a, b]): Meaning => ({ text: `${a}-${b}`, has: (value) => value >= a && value <= b }))
  const step = fc.integer({ min: 1, max: max - min })
  const stepped = fc.tuple(fc.oneof(number, fc.constant(null)), step).map(
    ([from, by]): Meaning => ({
      text: `${from ?? '*'}/${by}`,
      has: (value) => value >= (from ?? min) && (value - (from ?? min)) % by === 0,
    }),
  )
  const items = fc.array(steps ? fc.oneof(one, range, stepped) : fc.oneof(one, range), {
    minLength: 1,
    maxLength: 3,
  })
  const list = items.map(
    (all): Meaning => ({
      text: all.map(({ text }) => text).join(','),
      has: (value) => all.some(({ has }) => has(value)),
    }),
  )
  return fc.oneof(list, fc.constant<Meaning>({ text: '*', has: () => true }))
}

/** Whether a schedule runs on a day, from the calendar alone. */
interface Days {
  readonly ofMonth: string
  readonly ofWeek: string
  readonly has: (date: Date) => boolean
}

const monthOf = (date: Date): Date[] =>
  Array.from(
    { length: 31 },
    (_, index) => new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), index + 1)),
  ).filter((day) => day.getUTCMonth() === date.getUTCMonth())
const isWorkday = (date: Date) => date.getUTCDay() >= 1 && date.getUTCDay() <= 5
const same = (a: Date | undefined, b: Date) => a?.getTime() === b.getTime()

/** The workday of a date's month that is least far from a day of it, which has to be there. */
function nearest(date: Date, day: number): Date | undefined {
  const days = monthOf(date)
  if (day > days.length) return undefined
  const away = (other: Date) => Math.abs(other.getUTCDate() - day)
  return days.filter(isWorkday).sort((a, b) => away(a) - away(b))[0]
}

const days: fc.Arbitrary<Days> = fc.oneof(
  fieldOf(1, 31).map(({ text, has }) => ({
    ofMonth: text,
    ofWeek: '?',
    has: (date: Date) => has(date.getUTCDate()),
  })),
  fieldOf(1, 7, false).map(({ text, has }) => ({
    ofMonth: '?',
    ofWeek: text,
    has: (date: Date) => has(date.getUTCDay() + 1),
  })),
  fc.constant<Days>({ ofMonth: 'L', ofWeek: '?', has: (date) => same(monthOf(date).at(-1), date) }),
  fc.constant<Days>({
    ofMonth: 'LW',
    ofWeek: '?',
    has: (date) => same(monthOf(date).filter(isWorkday).at(-1), date),
  }),
  fc
    .integer({ min: 1, max: 31 })
    .map((day) => ({ ofMonth: `${day}W`, ofWeek: '?', has: (date: Date) => same(nearest(date, day), date) })),
  fc.constant<Days>({ ofMonth: '?', ofWeek: 'L', has: (date) => date.getUTCDay() === 6 }),
  fc
    .record({ day: fc.nat(6), named: fc.boolean(), nth: fc.integer({ min: 0, max: 5 }) })
    .map(({ day, named, nth }) => ({
      ofMonth: '?',
      ofWeek: `${named ? names[day] : day + 1}${nth === 0 ? 'L' : `#${nth}`}`,
      has: (date: Date) =>
        same(
          monthOf(date)
            .filter((other) => other.getUTCDay() === day)
            .at(nth - 1),
          date,
        ),
    })),
)

test('the next time is the one that a walk through the calendar finds', () => {
  const horizonDays = 3_000
  const some = fc.record({
    minute: fieldOf(0, 59),
    hour: fieldOf(0, 23),
    day: days,
    month: fieldOf(1, 12),
    year: fieldOf(1970, 2199),
    after: fc.integer({ min: Date.UTC(1970, 0, 1), max: Date.UTC(2190, 0, 1) }),
  })
  let found = 0
  fc.assert(
    fc.property(some, ({ minute, hour, day, month, year, after }) => {
      const expression = `cron(${minute.text} ${hour.text} ${day.ofMonth} ${month.text} ${day.ofWeek} ${year.text})`
      const walked = walk(after, horizonDays, (date) => {
        if (!year.has(date.getUTCFullYear()) || !month.has(date.getUTCMonth() + 1) || !day.has(date))
          return []
        const times: number[] = []
        for (let minutes = 0; minutes < 1_440; minutes++) {
          if (hour.has(Math.floor(minutes / 60)) && minute.has(minutes % 60))
            times.push(date.getTime() + minutes * 60_000)
        }
        return times
      })
      if (scheduleProblem(expression) !== null) {
        expect(walked).toBeNull()
        return
      }
      const next = nextTime(expression, after)
      if (walked !== null) found++
      if (walked !== null || (next !== null && next < after + (horizonDays - 1) * 86_400_000))
        expect(next).toBe(walked)
    }),
    { numRuns: 400 },
  )
  expect(found).toBeGreaterThan(100)
})

function walk(after: number, days: number, timesOf: (date: Date) => readonly number[]): number | null {
  const start = new Date(after)
  for (let day = 0; day < days; day++) {
    const date = new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth(), start.getUTCDate() + day))
    const time = timesOf(date).find((candidate) => candidate > after)
    if (time !== undefined) return time
  }
  return null
}
