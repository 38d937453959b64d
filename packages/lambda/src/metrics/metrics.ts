import type { Invocation } from '../invocation.ts'
import type { Participant } from '../participant.ts'
import { collect, take, type Values } from './measured.ts'

export interface MetricsOptions {
  /** `Thaw` when absent. */
  readonly namespace?: string
  /** By which the metrics are told apart, beside `FunctionName`. */
  readonly dimensions?: Readonly<Record<string, string>>
  /** Gets the lines. Standard output when absent, past `console`, which on Lambda writes in front of them. */
  readonly write?: (line: string) => void
}

/**
 * A participant that writes metrics for CloudWatch, one line for each invocation, in the Embedded Metric Format:
 * `Duration` (ms), `Faults` and `ColdStarts` (counts), and whatever was measured since the line before under names that
 * begin with `thaw:`. `performance.measure('thaw:restore', …)` is `Restore` in ms; `performance.mark('thaw:conflict')`
 * counts one for `Conflict`. What is measured often is published instead on the diagnostics channel `thaw:measure`, as
 * `{ name: 'commit', ms }`, `{ name, count }` or `{ name }`, so that nothing is kept where nobody takes it. Measurements
 * belong to the process, not to one invocation.
 *
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function metrics(options: MetricsOptions = {}): Participant {
  const { namespace = 'Thaw', dimensions = {}, write = writeLine } = options
  let isCold = true
  collect()
  return {
    async around(invocation, next) {
      // All messages of the first batch are of a cold start, which is one.
      const coldStarts = invocation.coldStart && isCold ? 1 : 0
      isCold = false
      const startedAt = performance.now()
      let faults = 0
      try {
        return await next()
      } catch (error) {
        if (isFault(error)) faults = 1
        throw error
      } finally {
        const { measures, marks } = take()
        const duration: Values = { unit: 'Milliseconds', values: [performance.now() - startedAt] }
        const values = [['Duration', duration] as const, ...named(measures)]
        const counts = [['Faults', faults] as const, ['ColdStarts', coldStarts] as const, ...named(marks)]
        write(JSON.stringify(embed(namespace, dimensions, invocation, values, counts)))
      }
    },
  }
}

/** What a client did wrong is no fault of the function. */
function isFault(error: unknown): boolean {
  const { status } = Object(error) as { status?: unknown }
  return !(typeof status === 'number' && status >= 400 && status < 500)
}

function embed(
  namespace: string,
  dimensions: Readonly<Record<string, string>>,
  { requestId, traceId, lambdaContext }: Invocation,
  values: readonly (readonly [name: string, values: Values])[],
  counts: readonly (readonly [name: string, count: number])[],
): object {
  const own = { FunctionName: lambdaContext.functionName, ...dimensions }
  const definitions = [
    ...values.map(([Name, { unit }]) => ({ Name, Unit: unit })),
    ...counts.map(([Name]) => ({ Name, Unit: 'Count' })),
  ]
  return {
    _aws: {
      Timestamp: Date.now(),
      CloudWatchMetrics: [{ Namespace: namespace, Dimensions: [Object.keys(own)], Metrics: definitions }],
    },
    ...own,
    requestId,
    ...(traceId !== null && { traceId }),
    ...Object.fromEntries(values.map(([name, { values }]) => [name, values])),
    ...Object.fromEntries(counts),
  }
}

function named<T>(measured: ReadonlyMap<string, T>): (readonly [name: string, value: T])[] {
  return Array.from(measured, ([name, value]) => [metricName(name), value])
}

/** `persist-lag` is `PersistLag`. */
function metricName(name: string): string {
  return name
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}

function writeLine(line: string): void {
  process.stdout.write(`${line}\n`)
}
