import type { Durability, Thresholds } from '@thaw/sqlite'
import { ConfigError } from './errors.ts'

/** What a URL says about when a write is durable. */
export interface DurabilityParameters {
  readonly durability?: Durability
  readonly writeBehind?: Partial<Thresholds>
}

const DURABILITIES: readonly string[] = ['commit', 'invocation', 'write-behind'] satisfies Durability[]
const NAMES = ['durability', 'writes', 'interval']

/**
 * Takes `durability`, `writes` and `interval` (seconds; both `off` to switch them off) out of a URL.
 * @returns them, and the URL without them
 * @throws ConfigError
 */
export function takeDurability(
  url: string,
  description: string,
): { readonly rest: string; readonly parameters: DurabilityParameters } {
  const refuse = (problem: string) => new ConfigError(`DATABASE_URL ${description}: ${problem}`)
  const [, base = url, query] = /^([^?#]*)\?([^#]*)$/.exec(url) ?? []
  if (query === undefined) return { rest: url, parameters: {} }
  const own = new Map<string, string>()
  const others: string[] = []
  for (const part of query.split('&')) {
    const [name = '', value = ''] = [...(new URLSearchParams(part).entries().next().value ?? [part])]
    if (!NAMES.includes(name)) others.push(part)
    else if (own.has(name)) throw refuse(`the parameter '${name}' occurs twice`)
    else own.set(name, value)
  }
  const rest = others.length === 0 ? base : `${base}?${others.join('&')}`
  return { rest, parameters: readParameters(own, refuse) }
}

function readParameters(
  given: ReadonlyMap<string, string>,
  refuse: (problem: string) => ConfigError,
): DurabilityParameters {
  const durability = given.get('durability')
  if (durability !== undefined && !DURABILITIES.includes(durability)) {
    throw refuse(`durability is '${durability}'; it is one of ${DURABILITIES.join(', ')}`)
  }
  const number = (name: string): number | null | undefined => {
    const value = given.get(name)
    if (value === undefined) return undefined
    if (durability !== 'write-behind') throw refuse(`'${name}' is for durability=write-behind`)
    if (value === 'off') return null
    if (/^[1-9]\d{0,6}$/.test(value)) return Number(value)
    throw refuse(`${name} is '${value}'; it is a whole number from 1 to 9999999, or off`)
  }
  const writes = number('writes')
  const seconds = number('interval')
  return {
    ...(durability === undefined ? {} : { durability: durability as Durability }),
    ...(writes === undefined && seconds === undefined
      ? {}
      : {
          writeBehind: {
            ...(writes === undefined ? {} : { writes }),
            ...(seconds === undefined ? {} : { intervalMs: seconds === null ? null : seconds * 1_000 }),
          },
        }),
  }
}
