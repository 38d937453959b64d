import type { Report } from '../checks.ts'
import type { ScheduleFunction } from '../model.ts'
import { scheduleProblem } from '../schedule/schedule.ts'
import { type BaseReader, readFlag } from './base.ts'

export function readSchedule(
  report: Report,
  at: string,
  source: Readonly<Record<string, unknown>>,
  readBase: BaseReader,
): ScheduleFunction {
  const { options, ...base } = readBase({ options: ['enabled'] })
  const problem = scheduleProblem(source.expression)
  if (problem !== null) report.add(`${at}.schedule`, problem)
  return {
    kind: 'schedule',
    ...base,
    schedule: String(source.expression),
    enabled: readFlag(report, `${at}.enabled`, options.enabled, true),
  }
}
