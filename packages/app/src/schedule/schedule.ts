import { ConfigError } from '../errors.ts'
import { type Parsed, show } from '../units.ts'
import { type Cron, nextCronTime, readCron } from './cron.ts'
import { readRate } from './rate.ts'

/** When a schedule runs: every so many minutes, or at set times. */
type Schedule = { readonly minutes: number } | { readonly cron: Cron }

/** Why EventBridge would refuse a schedule, or never run it; null when neither. */
export function scheduleProblem(value: unknown): string | null {
  const read = readSchedule(value)
  return 'problem' in read ? read.problem : null
}

/**
 * The first time after `afterMs` at which a schedule runs, or null when its last is over. All times are Unix time in
 * milliseconds; cron expressions are read in UTC, as EventBridge does. A rate is counted from `startMs`, at which it was
 * set up, and runs first when one interval is over. Throws `ConfigError` (`CONFIG_INVALID`) for anything that is no schedule.
 */
export function nextTime(expression: string, afterMs: number, startMs = afterMs): number | null {
  const read = readSchedule(expression)
  if ('problem' in read) {
    throw new ConfigError('CONFIG_INVALID', [{ at: 'schedule', message: read.problem }])
  }
  if ('cron' in read.value) return nextCronTime(read.value.cron, afterMs)
  const intervalMs = read.value.minutes * 60_000
  const passed = Math.floor((afterMs - startMs) / intervalMs)
  return startMs + (Math.max(passed, 0) + 1) * intervalMs
}

function readSchedule(value: unknown): Parsed<Schedule> {
  const examples = `write 'rate(15 minutes)', 'rate(1 day)' or 'cron(0 6 * * ? *)'`
  const fields = typeof value === 'string' ? /^cron\((.*)\)$/.exec(value)?.[1] : undefined
  if (fields !== undefined) {
    const cron = readCron(fields)
    if ('problem' in cron) return { problem: `${show(value)} is no schedule: ${cron.problem}` }
    return { value: { cron: cron.value } }
  }
  if (typeof value !== 'string' || !value.startsWith('rate(')) {
    return { problem: `${show(value)} is no schedule; ${examples}` }
  }
  const rate = readRate(value, examples)
  return 'problem' in rate ? rate : { value: { minutes: rate.value } }
}
