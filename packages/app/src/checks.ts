import { posix } from 'node:path'
import type { Problem } from './errors.ts'
import { show } from './units.ts'

/** Collects what is wrong, so that all of it is told at once. */
export interface Report {
  add(at: string, message: string): void
  readonly problems: readonly Problem[]
}

export function createReport(): Report {
  const problems: Problem[] = []
  return { problems, add: (at, message) => void problems.push({ at, message }) }
}

/** The object's own values, or null (and a problem) when `value` is no plain object. */
export function readObject(
  report: Report,
  at: string,
  value: unknown,
  known: readonly string[] | 'any',
): Readonly<Record<string, unknown>> | null {
  if (!isPlainObject(value)) {
    report.add(at === '' ? 'defineApp' : at, `must be an object, not ${show(value)}`)
    return null
  }
  if (known !== 'any') {
    for (const key of Object.keys(value)) {
      if (known.includes(key)) continue
      const near = nearest(key, known)
      const hint = near === null ? `known are ${known.join(', ')}` : `did you mean '${near}'?`
      report.add(at === '' ? key : `${at}.${key}`, `is no known property; ${hint}`)
    }
  }
  return value
}

/** A path inside the project as `./folder/file`, or null (and a problem). `what` names it: `a source file`. */
export function readPath(report: Report, at: string, value: unknown, what: string): string | null {
  if (typeof value !== 'string' || value.trim() === '') {
    report.add(at, `must be the path of ${what} like './src/api.ts', not ${show(value)}`)
    return null
  }
  if (value.includes('\\')) {
    report.add(at, `'${value}' has a backslash; write '/' between folders on every system`)
    return null
  }
  const path = posix.normalize(value)
  if (posix.isAbsolute(path) || path === '..' || path.startsWith('../')) {
    report.add(
      at,
      `'${value}' lies outside of the project; give ${what} inside it, relative to thaw.config.ts`,
    )
    return null
  }
  return `./${path.replace(/\/$/, '')}`
}

/** A whole number between two bounds, or null (and a problem). */
export function readInteger(
  report: Report,
  at: string,
  value: unknown,
  bounds: { readonly min: number; readonly max: number; readonly unit: string },
): number | null {
  const { min, max, unit } = bounds
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  report.add(at, `${show(value)} is not possible; give a whole number of ${unit} from ${min} to ${max}`)
  return null
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function nearest(key: string, known: readonly string[]): string | null {
  const near = known
    .map((candidate) => ({ candidate, distance: distance(key.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0]
  return near !== undefined && near.distance <= 2 ? near.candidate : null
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
