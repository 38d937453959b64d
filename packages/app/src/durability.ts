import { type Report, readInteger } from './checks.ts'
import type { DatabaseDefinition, Durability } from './model.ts'
import { parseSeconds, show } from './units.ts'

type DurabilityDefinition = Pick<DatabaseDefinition, 'durability' | 'writes' | 'intervalSeconds'>

const DURABILITIES: readonly unknown[] = ['commit', 'invocation', 'write-behind'] satisfies Durability[]

const longestIntervalSeconds = 86_400

/** Reads when a write is durable; reports what makes no sense. */
export function readDurability(
  report: Report,
  options: Readonly<Record<string, unknown>>,
): DurabilityDefinition {
  const { durability, writes, interval } = options
  if (durability !== undefined && !isDurability(durability)) {
    report.add(
      'database.durability',
      `${show(durability)} is unknown; it is one of ${DURABILITIES.join(', ')}`,
    )
    return {}
  }
  if (durability !== 'write-behind') {
    for (const name of ['writes', 'interval']) {
      if (options[name] === undefined) continue
      report.add(
        `database.${name}`,
        `is for durability: 'write-behind'; otherwise every write is durable at once`,
      )
    }
    return durability === undefined ? {} : { durability }
  }
  const most = { min: 1, max: 1_000_000, unit: 'writes' }
  const count = writes === undefined ? null : readInteger(report, 'database.writes', writes, most)
  const seconds = interval === undefined ? null : readInterval(report, interval)
  return {
    durability,
    ...(count === null ? {} : { writes: count }),
    ...(seconds === null ? {} : { intervalSeconds: seconds }),
  }
}

function readInterval(report: Report, value: unknown): number | null {
  const parsed = parseSeconds(value)
  if ('problem' in parsed) report.add('database.interval', parsed.problem)
  else if (parsed.value < 1 || parsed.value > longestIntervalSeconds) {
    report.add(
      'database.interval',
      `${show(value)} is not possible; give 1 second to ${longestIntervalSeconds} (a day)`,
    )
  } else return parsed.value
  return null
}

/** What `DATABASE_URL` has to say for it: `?durability=…`, or nothing. */
export function durabilityQuery({ durability, writes, intervalSeconds }: DurabilityDefinition): string {
  if (durability === undefined) return ''
  const parameters = new URLSearchParams({ durability })
  if (writes !== undefined) parameters.set('writes', String(writes))
  if (intervalSeconds !== undefined) parameters.set('interval', String(intervalSeconds))
  return `?${parameters}`
}

function isDurability(value: unknown): value is Durability {
  return DURABILITIES.includes(value)
}
