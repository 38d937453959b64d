import type { Report } from './checks.ts'
import type { DatabaseDefinition } from './model.ts'
import { readRate } from './schedule/rate.ts'
import { show } from './units.ts'

/**
 * A quarter of an hour: restore points of the last week lie as far apart as its runs, and the requests of a database at
 * rest cost a third of a dollar a month then. Writers compact by themselves when there is more to do.
 */
const DEFAULT_RATE = 'rate(15 minutes)'

/** What the maintenance function is called among the functions of an application. */
export const MAINTENANCE_NAME = 'maintenance'

const mostMinutes = 7 * 1_440

/** Reads when the database is looked after; reports what is no rate that EventBridge takes. */
export function readMaintenance(report: Report, value: unknown): Pick<DatabaseDefinition, 'maintenance'> {
  if (value === false) return { maintenance: null }
  if (value === undefined) return { maintenance: DEFAULT_RATE }
  const problem = maintenanceProblem(value)
  if (problem === null) return { maintenance: String(value) }
  report.add('database.maintenance', problem)
  return { maintenance: DEFAULT_RATE }
}

function maintenanceProblem(value: unknown): string | null {
  const rate = readRate(value, `write 'rate(15 minutes)', 'rate(1 hour)' or 'rate(1 day)', or false for none`)
  if ('problem' in rate) return rate.problem
  return rate.value <= mostMinutes
    ? null
    : `${show(value)} is too seldom; give 7 days at most, or false for none`
}
