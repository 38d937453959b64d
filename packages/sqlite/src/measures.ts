import { channel } from 'node:diagnostics_channel'

/**
 * What is measured while a database works, for whoever subscribes to the diagnostics channel `thaw:measure`:
 * `metrics()` of `@thaw/lambda` does. Nothing is kept for those who might ask later, and without a subscriber nothing is
 * measured.
 */
export interface Measure {
  /** In kebab case: `commit-tries`. */
  readonly name: string
  /** A duration, or how many of something; without either, one more. */
  readonly ms?: number
  readonly count?: number
}

const measures = channel('thaw:measure')

export function isObserved(): boolean {
  return measures.hasSubscribers
}

export function measured(measure: Measure): void {
  if (measures.hasSubscribers) measures.publish(measure)
}
