import type { Invocation } from '../invocation.ts'
import type { Participant } from '../participant.ts'

export interface MetricsOptions {
  /** `Thaw` when absent. */
  readonly namespace?: string
  /** By which the metrics are told apart, beside `FunctionName`. */
  readonly dimensions?: Readonly<Record<string, string>>
  /** Gets the lines. Standard output when absent, past `console`, which on Lambda writes in front of them. */
  readonly write?: (line: string) => void
}

/** The most values of one metric in a line. */
const valuesLimit = 100

/**
 * A participant that writes metrics for CloudWatch, one line for each invocation, in the Embedded Metric Format:
 * `Duration` (ms), `Faults` and `ColdStarts` (counts), and whatever was measured since the line before under names that
 * begin with `thaw:`. `performance.measure('thaw:restore', …)` is `Restore` in ms; `performance.mark('thaw:conflict')`
 * counts one for `Conflict`. Measurements belong to the process, not to one invocation.
 *
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function metrics(options: MetricsOptions = {}): Participant {
  const { namespace = 'Thaw', dimensions = {}, write = writeLine } = options
  return {
    async around(invocation, next) {
      const startedAt = performance.now()
      let faults = 0
      try {
        return await next()
      } catch (error) {
        if (isFault(error)) faults = 1
        throw error
      } finally {
        const values = { Duration: [performance.now() - startedAt], ...takeMeasures() }
        const counts = { Faults: faults, ColdStarts: invocation.coldStart ? 1 : 0, ...takeMarks() }
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
  values: Readonly<Record<string, readonly number[]>>,
  counts: Readonly<Record<string, number>>,
): object {
  const own = { FunctionName: lambdaContext.functionName, ...dimensions }
  const definitions = [
    ...Object.keys(values).map((Name) => ({ Name, Unit: 'Milliseconds' })),
    ...Object.keys(counts).map((Name) => ({ Name, Unit: 'Count' })),
  ]
  return {
    _aws: {
      Timestamp: Date.now(),
      CloudWatchMetrics: [{ Namespace: namespace, Dimensions: [Object.keys(own)], Metrics: definitions }],
    },
    ...own,
    requestId,
    ...(traceId !== null && { traceId }),
    ...values,
    ...counts,
  }
}

function takeMeasures(): Record<string, number[]> {
  const values: Record<string, number[]> = {}
  for (const { name, duration } of ours('measure')) {
    const list = values[metricName(name)] ?? []
    values[metricName(name)] = list
    if (list.length < valuesLimit) list.push(duration)
    performance.clearMeasures(name)
  }
  return values
}

function takeMarks(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { name } of ours('mark')) {
    counts[metricName(name)] = (counts[metricName(name)] ?? 0) + 1
    performance.clearMarks(name)
  }
  return counts
}

function ours(type: 'measure' | 'mark'): readonly { readonly name: string; readonly duration: number }[] {
  return performance.getEntriesByType(type).filter(({ name }) => name.startsWith('thaw:'))
}

/** `thaw:persist-lag` is `PersistLag`. */
function metricName(name: string): string {
  return name
    .slice('thaw:'.length)
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}

function writeLine(line: string): void {
  process.stdout.write(`${line}\n`)
}
