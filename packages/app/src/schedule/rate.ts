import { type Parsed, show } from '../units.ts'

const minutesOf: Readonly<Record<string, number>> = { minute: 1, hour: 60, day: 1_440 }

/** The minutes of `rate(N unit)`; EventBridge wants one of a unit in the singular. `examples` ends the message. */
export function readRate(value: unknown, examples: string): Parsed<number> {
  const match =
    typeof value === 'string' ? /^rate\(([1-9]\d{0,4}) (minute|hour|day)(s?)\)$/.exec(value) : null
  if (match === null) return { problem: `${show(value)} is no rate; ${examples}` }
  const [, digits = '', unit = '', plural] = match
  const count = Number(digits)
  if ((count === 1) === (plural === 's')) {
    const right = `rate(${count} ${unit}${count === 1 ? '' : 's'})`
    return { problem: `${show(value)} would be refused by EventBridge; write '${right}'` }
  }
  return { value: count * (minutesOf[unit] ?? 1) }
}
