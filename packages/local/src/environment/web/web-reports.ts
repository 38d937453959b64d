import { initReportLine, type LineKind, type Log, requestReportLine } from '../../log.ts'
import type { FunctionSpec } from '../function-spec.ts'
import type { Failure } from '../outcome.ts'
import { type InvocationFacts, statusOf } from '../reports.ts'

/** What is said about one environment of a Web Function in the log. */
export interface WebReports {
  /** What the function printed. */
  printed(line: string): void
  said(line: string): void
  initialised(durationMs: number, failure: Failure | null): void
  ended(facts: InvocationFacts, failure: Failure | null): void
}

export function createWebReports(id: string, spec: FunctionSpec, log: Log): WebReports {
  const say = (line: string, kind: LineKind) => log(`${id} | ${line}`, kind)
  return {
    printed: (line) => say(line, 'function'),
    said: (line) => say(line, 'simulator'),
    initialised(durationMs, failure) {
      say(initReportLine({ durationMs, phase: 'init', status: statusOf(failure) }), 'platform')
      if (failure !== null) say(`cannot initialise ${spec.handler}: ${failure.errorMessage}`, 'simulator')
    },
    ended: (facts, failure) => say(requestReportLine({ ...facts, status: statusOf(failure) }), 'report'),
  }
}
