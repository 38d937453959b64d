import { show } from './units.ts'

const fields = ['minutes', 'hours', 'day of the month', 'month', 'day of the week', 'year'] as const

/**
 * Why EventBridge would refuse a schedule; null when it would not.
 *
 * Source: "Schedule expressions" of the EventBridge user guide: `rate(N unit)`, one of a unit in the singular, and
 * `cron` with six fields, of which one of the two days is `?`.
 */
export function scheduleProblem(value: unknown): string | null {
  const examples = `write 'rate(15 minutes)', 'rate(1 day)' or 'cron(0 6 * * ? *)'`
  if (typeof value !== 'string') return `${show(value)} is no schedule; ${examples}`
  const cron = /^cron\((.*)\)$/.exec(value)
  if (cron !== null) return cronProblem(cron[1] ?? '')
  return rateProblem(value, examples)
}

/** As above, of a rate alone. */
export function rateProblem(value: unknown, examples: string): string | null {
  const match =
    typeof value === 'string' ? /^rate\(([1-9]\d{0,4}) (minute|hour|day)(s?)\)$/.exec(value) : null
  if (match === null)
    return `${show(value)} is no ${examples.includes('cron') ? 'schedule' : 'rate'}; ${examples}`
  const [, digits = '', unit = '', plural] = match
  const count = Number(digits)
  if ((count === 1) === (plural === 's')) {
    return `${show(value)} would be refused by EventBridge; write 'rate(${count} ${unit}${count === 1 ? '' : 's'})'`
  }
  return null
}

function cronProblem(text: string): string | null {
  const parts = text.split(' ')
  if (parts.length !== fields.length || parts.includes('')) {
    return `'cron(${text})' needs six fields with one space between: ${fields.join(', ')}`
  }
  const wrong = parts.findIndex((part) => !/^[A-Za-z0-9*?,\-/#]+$/.test(part))
  if (wrong >= 0) return `'${parts[wrong]}' in 'cron(${text})' is no ${fields[wrong]}`
  const [, , dayOfMonth, , dayOfWeek] = parts
  if ((dayOfMonth === '?') === (dayOfWeek === '?')) {
    return `'cron(${text})' must have '?' in one of the two days, and only in one`
  }
  return null
}
