import { initReportLine, type LineKind, type Log, type ReportFacts, reportLine } from '../log.ts'
import type { FunctionSpec } from './function-spec.ts'
import type { Failure } from './outcome.ts'

/** The part of a REPORT that is not the same for all of a function's. */
export type InvocationFacts = Pick<ReportFacts, 'requestId' | 'durationMs' | 'maxMemoryMb' | 'initMs'>

/** What is said about one environment in the log. */
export interface Reports {
  /** What the function printed. */
  printed(line: string): void
  started(requestId: string): void
  /** `failure` is one of the environment, such as an exit; an error that the function reported is none. */
  ended(facts: InvocationFacts, failure: Failure | null): void
  initialised(phase: 'init' | 'invoke', durationMs: number, failure: Failure | null): void
  said(line: string): void
}

export function createReports(id: string, spec: FunctionSpec, log: Log): Reports {
  const say = (line: string, kind: LineKind) => log(`${id} | ${line}`, kind)
  return {
    printed: (line) => say(line, 'function'),
    said: (line) => say(line, 'simulator'),
    started: (requestId) => say(`START RequestId: ${requestId} Version: $LATEST`, 'platform'),
    ended(facts, failure) {
      say(`END RequestId: ${facts.requestId}`, 'platform')
      say(reportLine({ ...facts, memoryMb: spec.memoryMb, status: statusOf(failure) }), 'report')
    },
    initialised(phase, durationMs, failure) {
      say(initReportLine({ durationMs, phase, status: statusOf(failure) }), 'platform')
      if (failure !== null) say(`cannot initialise ${spec.handler}: ${failure.errorMessage}`, 'simulator')
    },
  }
}

export function statusOf(failure: Failure | null): ReportFacts['status'] {
  if (failure === null) return null
  if (failure.errorType === 'Sandbox.Timedout' || failure.errorType === 'Runtime.RequestTimeout')
    return { name: 'timeout' }
  return { name: 'error', errorType: failure.errorType }
}
