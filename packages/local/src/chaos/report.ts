import type { KilledState } from './attempt.ts'

/** An error that a client saw, or an invocation without a client that failed. */
export interface ChaosError {
  /** Ms since the simulator's start. */
  readonly atMs: number
  /** `POST /ingest`, or `invocation of worker`. */
  readonly request: string
  readonly requestId: string
  /** `500`, `broken off`, `failed`. */
  readonly saw: string
  /** The fault that it is due to; null for an error that none explains. */
  readonly explanation: string | null
  /** What the simulator knows of it: the function's error, or faults that came with it and explain nothing. */
  readonly detail: string
}

/** What was done to the application, and what became of it. */
export interface ChaosReport {
  readonly seed: string
  readonly seconds: number
  /** Environments that were killed, by what they were doing. */
  readonly kills: Readonly<Partial<Record<KilledState, number>>>
  readonly storms: number
  /** Of idle environments, of busy ones with how long it took, and what became of the clock. */
  readonly freezes: {
    readonly idle: number
    readonly busyMs: readonly number[]
    readonly cut: number
    readonly clockAhead: number
    readonly clockBehind: number
  }
  /** Requests to the bucket, by what befell them; `skewed` were refused for the clock of whoever signed them. */
  readonly bucket: Readonly<Record<'delayed' | 'unavailable' | 'reset' | 'lost-answer' | 'skewed', number>>
  /** How often clients were answered with each status; `broken` is an answer that broke off or none at all. */
  readonly answers: Readonly<Record<string, number>>
  /** Invocations that no HTTP client waits for: queues, schedules, sockets, Lambda's API. */
  readonly invocations: { readonly succeeded: number; readonly failed: number }
  /** How many errors there were. `errors` has the first thousand of either kind. */
  readonly explained: number
  readonly unexplained: number
  readonly errors: readonly ChaosError[]
}

/** The report for people, line by line. */
export function describeReport(report: ChaosReport): string[] {
  const { freezes, bucket } = report
  const longest = Math.max(0, ...freezes.busyMs)
  const busy = freezes.busyMs.length
  return [
    `chaos, seed ${report.seed}, ${report.seconds.toFixed(1)} s`,
    `  kills: ${counts(report.kills)}; storms: ${report.storms}`,
    `  freezes: ${freezes.idle} between requests, ${busy} with one${busy === 0 ? '' : ` (up to ${(longest / 1000).toFixed(1)} s)`};` +
      ` ${freezes.cut} connections cut; clock ${freezes.clockAhead} times ahead, ${freezes.clockBehind} behind`,
    `  bucket: ${counts(bucket)}`,
    `  clients saw: ${counts(report.answers)}`,
    ...(report.invocations.succeeded + report.invocations.failed === 0
      ? []
      : [`  other invocations: ${counts(report.invocations)}`]),
    ...explained(report),
    ...unexplained(report),
  ]
}

function explained({ explained: count, errors }: ChaosReport): string[] {
  if (count === 0) return ['  errors explained by a fault: none']
  const lines = errors.filter(({ explanation }) => explanation !== null)
  const shown = lines.slice(0, 20).map((error) => `    ${headOf(error)}: ${error.explanation}`)
  return [`  errors explained by a fault: ${count}`, ...shown, ...more(count - shown.length)]
}

function unexplained({ unexplained: count, errors }: ChaosReport): string[] {
  if (count === 0) return ['  errors that no fault explains: none']
  const lines = errors.filter(({ explanation }) => explanation === null)
  const shown = lines.slice(0, 100).map((error) => `    ${headOf(error)}: ${error.detail}`)
  return [`  ERRORS THAT NO FAULT EXPLAINS: ${count}`, ...shown, ...more(count - shown.length)]
}

function headOf({ atMs, request, saw }: ChaosError): string {
  return `${(atMs / 1000).toFixed(2)} s ${request} ${saw}`
}

function more(count: number): string[] {
  return count > 0 ? [`    and ${count} more`] : []
}

function counts(table: Readonly<Record<string, number | undefined>>): string {
  const parts = Object.entries(table).filter(([, count]) => (count ?? 0) > 0)
  return parts.length === 0 ? 'none' : parts.map(([name, count]) => `${name} ${count}`).join(', ')
}
