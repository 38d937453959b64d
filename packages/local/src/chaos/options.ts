import { LocalError } from '../errors.ts'

/** What chaos does; each can be switched off. */
export const chaosKinds = ['kill', 'freeze', 'storm', 'bucket'] as const

export type ChaosKind = (typeof chaosKinds)[number]

/**
 * Each kind is `true` (the default) for its usual rate, `false` for none, or a number by which that rate is
 * multiplied.
 */
export interface ChaosOptions extends Readonly<Partial<Record<ChaosKind, boolean | number>>> {
  /** What everything is drawn from. */
  readonly seed: number | string
  /** By which the rates of all kinds are multiplied; 1 when absent. */
  readonly rate?: number
}

/** A factor for each kind, 0 for what is switched off. */
export type ChaosRates = Readonly<Record<ChaosKind, number>>

/** Throws `LocalError` `OPTION_INVALID`. */
export function readRates(options: ChaosOptions): ChaosRates {
  const rate = options.rate ?? 1
  const rates = chaosKinds.map((kind): [ChaosKind, number] => {
    const given = options[kind] ?? true
    return [kind, (typeof given === 'number' ? given : Number(given)) * rate]
  })
  for (const [kind, factor] of [['rate', rate] as const, ...rates]) {
    if (Number.isFinite(factor) && factor >= 0 && factor <= 1000) continue
    throw new LocalError('OPTION_INVALID', `chaos: ${kind} is ${factor}; it must be from 0 to 1000`)
  }
  return Object.fromEntries(rates) as ChaosRates
}
