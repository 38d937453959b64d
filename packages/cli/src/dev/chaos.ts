import { randomInt } from 'node:crypto'
import { type ChaosKind, type ChaosOptions, chaosKinds } from '@thaw/local'
import { type CommandOption, textValue, type Values } from '../command.ts'
import { UsageError } from '../errors.ts'

/** What of the command line is about chaos. */
export const chaosCommandOptions: Readonly<Record<string, CommandOption>> = {
  chaos: {
    type: 'boolean',
    help: 'kill and freeze environments and make the bucket fail, as AWS may; reports at the end',
  },
  seed: { type: 'string', value: 'S', help: 'with --chaos: repeats the plan of another run' },
  'chaos-rate': {
    type: 'string',
    value: 'X',
    help: 'with --chaos: how often, 1 when absent; for single kinds: kill=2,storm=0',
  },
}

/** Null without `--chaos`. Throws `UsageError`. */
export function readChaos(values: Values): ChaosOptions | null {
  const seed = textValue(values, 'seed')
  const rate = textValue(values, 'chaos-rate')
  if (values.chaos !== true) {
    if (seed === null && rate === null) return null
    throw new UsageError(`--${seed === null ? 'chaos-rate' : 'seed'} goes with --chaos`)
  }
  return { seed: seed ?? randomInt(1_000_000), ...(rate === null ? {} : readRates(rate)) }
}

function readRates(text: string): Omit<ChaosOptions, 'seed'> {
  const rates = text.split(',').map((part): [ChaosKind | 'rate', number] => {
    const [, kind = 'rate', digits = ''] = /^(?:([a-z]+)=)?(\d+(?:\.\d+)?)$/.exec(part.trim()) ?? []
    const rate = Number(digits)
    if (digits !== '' && rate <= 1000 && isKind(kind)) return [kind, rate]
    const kinds = chaosKinds.join(', ')
    throw new UsageError(
      `--chaos-rate takes numbers from 0 to 1000, alone or for one of ${kinds}; not '${part}'`,
    )
  })
  return Object.fromEntries(rates)
}

function isKind(kind: string): kind is ChaosKind | 'rate' {
  return kind === 'rate' || (chaosKinds as readonly string[]).includes(kind)
}
