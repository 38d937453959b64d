import { type Report, readInteger, readObject, readPath } from '../checks.ts'
import { readEnvironment } from '../environment.ts'
import type { FunctionBase } from '../model.ts'
import { parseSeconds, show } from '../units.ts'
import { readLayers } from './layers.ts'

const defaults = { memoryMb: 1024, timeoutSeconds: 30, temporaryMb: 512 }

const longestTimeoutSeconds = 900

const baseOptions = ['memory', 'timeout', 'temporary', 'concurrency', 'provisioned', 'layers', 'environment']

/** What one kind of function asks of what all have. */
export interface BaseBounds {
  /** Its own options. */
  readonly options: readonly string[]
  /** The longest that it may take, and why no longer; 15 minutes when absent. */
  readonly timeout?: { readonly seconds: number; readonly because: string }
}

export type BaseReader = (
  bounds: BaseBounds,
) => FunctionBase & { readonly options: Readonly<Record<string, unknown>> }

export interface BaseFacts extends BaseBounds {
  readonly at: string
  readonly name: string
  /** The declaration. */
  readonly source: Readonly<Record<string, unknown>>
  /** Variables of the application. */
  readonly shared: Readonly<Record<string, string>>
}

/** Reads what every kind of function has, and gives its options along for what it has alone. */
export function readBase(report: Report, facts: BaseFacts): ReturnType<BaseReader> {
  const { at, name, source, shared } = facts
  const options = readObject(report, at, source.options ?? {}, [...facts.options, ...baseOptions]) ?? {}
  const concurrency = readOptional(report, `${at}.concurrency`, options.concurrency, {
    min: 1,
    max: 10_000,
    unit: 'requests',
  })
  const provisioned =
    readOptional(report, `${at}.provisioned`, options.provisioned, {
      min: 0,
      max: 10_000,
      unit: 'environments',
    }) ?? 0
  if (concurrency !== null && provisioned > concurrency) {
    report.add(
      `${at}.provisioned`,
      `${provisioned} are more than its concurrency of ${concurrency}, which Lambda refuses`,
    )
  }
  return {
    options,
    name,
    entry: readEntry(report, `${at}.entry`, source.entry),
    handler: 'handler',
    memoryMb:
      readOptional(report, `${at}.memory`, options.memory, { min: 128, max: 10_240, unit: 'MB' }) ??
      defaults.memoryMb,
    timeoutSeconds: readTimeout(report, `${at}.timeout`, options.timeout, facts.timeout),
    temporaryMb:
      readOptional(report, `${at}.temporary`, options.temporary, { min: 512, max: 10_240, unit: 'MB' }) ??
      defaults.temporaryMb,
    ...(concurrency === null ? {} : { concurrency }),
    provisioned,
    layers: readLayers(report, `${at}.layers`, options.layers),
    environment: { ...shared, ...readEnvironment(report, `${at}.environment`, options.environment) },
  }
}

/** A whole number between two bounds; null when there is none. */
export function readOptional(
  report: Report,
  at: string,
  value: unknown,
  bounds: { readonly min: number; readonly max: number; readonly unit: string },
): number | null {
  return value === undefined ? null : readInteger(report, at, value, bounds)
}

/** True or false; false when absent. */
export function readFlag(report: Report, at: string, value: unknown, absent = false): boolean {
  if (typeof value === 'boolean') return value
  if (value !== undefined) report.add(at, `must be true or false, not ${show(value)}`)
  return absent
}

function readEntry(report: Report, at: string, value: unknown): string {
  const entry = readPath(report, at, value, 'a source file')
  if (entry !== null && !/\.[cm]?[jt]s$/.test(entry)) {
    report.add(at, `'${entry}' is no source file; it must end in .ts, .mts, .cts, .js, .mjs or .cjs`)
  }
  return entry ?? ''
}

function readTimeout(report: Report, at: string, value: unknown, most: BaseBounds['timeout']): number {
  if (value === undefined) return Math.min(defaults.timeoutSeconds, most?.seconds ?? defaults.timeoutSeconds)
  const parsed = parseSeconds(value)
  if ('problem' in parsed) report.add(at, parsed.problem)
  else if (parsed.value < 1 || parsed.value > longestTimeoutSeconds) {
    report.add(at, `${show(value)} is not possible; a function runs from 1 second to 900 (15 minutes)`)
  } else if (most !== undefined && parsed.value > most.seconds) {
    report.add(at, `${show(value)} is too long: ${most.because}; give '${most.seconds}s' or less`)
  } else return parsed.value
  return defaults.timeoutSeconds
}
