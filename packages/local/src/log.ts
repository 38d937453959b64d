/**
 * Who says a line: a function itself, Lambda about an invocation (START and END, then REPORT), the front about a
 * request, or the simulator.
 */
export type LineKind = 'function' | 'platform' | 'report' | 'request' | 'simulator'

/** Receives every line, without its line break, in order. */
export type Log = (line: string, kind: LineKind) => void

/** Longest piece of output that is held back while its line is not finished. */
const lineLimit = 64 * 1024

/** Cuts a stream of text into lines; what is left at the end counts as one. */
export function readLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line.endsWith('\r') ? line.slice(0, -1) : line)
    if (rest.length > lineLimit) {
      onLine(rest)
      rest = ''
    }
  })
  // A pipe that is given up never ends.
  stream.on('close', () => {
    if (rest !== '') onLine(rest)
    rest = ''
  })
}

export interface ReportFacts {
  readonly requestId: string
  readonly durationMs: number
  readonly memoryMb: number
  /** Null where the system does not tell. */
  readonly maxMemoryMb: number | null
  /** Null on a warm start. */
  readonly initMs: number | null
  readonly status: { readonly name: 'error' | 'timeout'; readonly errorType?: string } | null
}

/**
 * The REPORT line as Lambda writes it: fields parted by tabs, initialisation billed as well (since August 2025).
 */
export function reportLine(facts: ReportFacts): string {
  const billed = Math.ceil(facts.durationMs + (facts.initMs ?? 0))
  const fields = [
    `REPORT RequestId: ${facts.requestId}`,
    `Duration: ${facts.durationMs.toFixed(2)} ms`,
    `Billed Duration: ${billed} ms`,
    `Memory Size: ${facts.memoryMb} MB`,
  ]
  return [...fields, ...optionalFields(facts)].join('\t')
}

/**
 * What is said of one request to a Web Function, in the words of a REPORT. Lambda has nothing like it: it bills time on
 * the processor, and tells of single requests at the level DEBUG only, in JSON.
 */
export function requestReportLine(facts: Omit<ReportFacts, 'memoryMb'>): string {
  const fields = [`REPORT RequestId: ${facts.requestId}`, `Duration: ${facts.durationMs.toFixed(2)} ms`]
  return [...fields, ...optionalFields(facts)].join('\t')
}

function optionalFields({ maxMemoryMb, initMs, status }: Omit<ReportFacts, 'memoryMb'>): string[] {
  const fields: string[] = []
  if (maxMemoryMb !== null) fields.push(`Max Memory Used: ${maxMemoryMb} MB`)
  if (initMs !== null) fields.push(`Init Duration: ${initMs.toFixed(2)} ms`)
  if (status !== null) fields.push(`Status: ${status.name}`)
  if (status?.errorType !== undefined) fields.push(`Error Type: ${status.errorType}`)
  return fields
}

export interface InitReportFacts {
  readonly durationMs: number
  /** `invoke` when it was repeated within an invocation. */
  readonly phase: 'init' | 'invoke'
  /** Null when it succeeded. */
  readonly status: ReportFacts['status']
}

/** The INIT_REPORT line: of a failed initialisation, and of every one of provisioned concurrency. */
export function initReportLine({ durationMs, phase, status }: InitReportFacts): string {
  const fields = [`INIT_REPORT Init Duration: ${durationMs.toFixed(2)} ms`, `Phase: ${phase}`]
  if (status !== null) fields.push(`Status: ${status.name}`)
  if (status?.errorType !== undefined) fields.push(`Error Type: ${status.errorType}`)
  return fields.join('\t')
}
