import { subscribe } from 'node:diagnostics_channel'

/** What was measured under one name. */
export interface Values {
  readonly unit: 'Milliseconds' | 'Count'
  readonly values: number[]
}

/** The most values of one metric in a line. */
const valuesLimit = 100

/** Since they were last taken. One for the process, as what is measured is. */
let measures = new Map<string, Values>()
let marks = new Map<string, number>()
let isCollecting = false

/** Begins to take what is published on the diagnostics channel `thaw:measure`, `{ name, ms?, count? }` each. */
export function collect(): void {
  if (isCollecting) return
  isCollecting = true
  subscribe('thaw:measure', (message) => {
    const { name, ms, count } = message as { name: string; ms?: number; count?: number }
    if (ms !== undefined) measure(name, 'Milliseconds', ms)
    else if (count !== undefined) measure(name, 'Count', count)
    else mark(name)
  })
}

/** What was collected, and what `performance` has under names that begin with `thaw:`; it is forgotten then. */
export function take(): { measures: ReadonlyMap<string, Values>; marks: ReadonlyMap<string, number> } {
  for (const { name, duration } of ours('measure')) {
    measure(name.slice(prefix.length), 'Milliseconds', duration)
    performance.clearMeasures(name)
  }
  for (const { name } of ours('mark')) {
    mark(name.slice(prefix.length))
    performance.clearMarks(name)
  }
  const taken = { measures, marks }
  measures = new Map()
  marks = new Map()
  return taken
}

const prefix = 'thaw:'

function ours(type: 'measure' | 'mark'): readonly { readonly name: string; readonly duration: number }[] {
  return performance.getEntriesByType(type).filter(({ name }) => name.startsWith(prefix))
}

function measure(name: string, unit: Values['unit'], value: number): void {
  const { values } = measures.get(name) ?? {}
  if (!values) measures.set(name, { unit, values: [value] })
  else if (values.length < valuesLimit) values.push(value)
}

function mark(name: string): void {
  marks.set(name, (marks.get(name) ?? 0) + 1)
}
