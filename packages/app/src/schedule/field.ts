import type { Parsed } from '../units.ts'

/** One field of a cron expression: what it is called, and what may stand in it. */
export interface Field {
  /** In a message: `'61' is no minute`. */
  readonly name: string
  readonly min: number
  readonly max: number
  /** Names of the values, `min` first; letters may be small or capital. */
  readonly names?: readonly string[]
  /** Whether `/` may count steps in it. */
  readonly steps: boolean
  /** What else may stand in it, for messages. */
  readonly also?: string
}

/**
 * The values that a list stands for, ascending: `*`, `5`, `MON`, `1-5`, `0/15`, `8-18/2`, with commas between.
 *
 * A range that runs backwards (`22-2`) is refused, although Quartz, whose language this is, reads it around the end: AWS
 * does not say what it does.
 */
export function readValues(text: string, field: Field): Parsed<readonly number[]> {
  const values = new Set<number>()
  for (const item of text.split(',')) {
    const read = readItem(item, field)
    if ('problem' in read) return read
    for (const value of read.value) values.add(value)
  }
  return { value: [...values].sort((a, b) => a - b) }
}

/** A number or a name; null when it is no value of the field. */
export function readValue(text: string, { min, max, names }: Field): number | null {
  const index = names?.indexOf(text.toUpperCase()) ?? -1
  if (index >= 0) return min + index
  const value = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN
  return value >= min && value <= max ? value : null
}

/** What may stand in a field, for a message. */
export function fieldProblem(text: string, field: Field): { readonly problem: string } {
  const { name, min, max, names, also } = field
  const named = names === undefined ? '' : ` or ${names[0]} to ${names.at(-1)}`
  const more = also === undefined ? '' : `, ${also}`
  return { problem: `'${text}' is no ${name}; it takes ${min} to ${max}${named}${more}` }
}

function readItem(item: string, field: Field): Parsed<readonly number[]> {
  const match = /^(?:(\*)|([A-Za-z0-9]+)(?:-([A-Za-z0-9]+))?)(?:\/(\d{1,4}))?$/.exec(item)
  if (match === null) return fieldProblem(item, field)
  const [, all, low = '', high, stepText] = match
  const first = all === undefined ? readValue(low, field) : field.min
  if (first === null) return fieldProblem(low, field)
  // `5/10` goes on to the end of the field.
  const open = all !== undefined || (high === undefined && stepText !== undefined)
  const last = open ? field.max : high === undefined ? first : readValue(high, field)
  if (last === null) return fieldProblem(high ?? '', field)
  if (last < first) return { problem: `'${item}' runs backwards; write two ranges with a comma between` }
  if (stepText === undefined) return { value: steps(first, last, 1) }
  if (!field.steps) return { problem: `'${item}': EventBridge takes no steps ('/') there; write the values` }
  const step = Number(stepText)
  const span = field.max - field.min
  if (step < 1 || step > span) {
    return { problem: `'${item}' steps by ${step}; a step of a ${field.name} is from 1 to ${span}` }
  }
  return { value: steps(first, last, step) }
}

function steps(first: number, last: number, step: number): number[] {
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, index) => first + index * step)
}
