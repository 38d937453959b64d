import type { EnvironmentInfo } from '../environment/pool.ts'

const prefix = 'THAWLOCAL'

/**
 * An access key for one environment alone, by which the bucket tells who asks: its number, in AWS's twenty characters.
 *
 * @param id `api#3`
 */
export function accessKeyIdOf(id: string): string {
  return prefix + numberOf(id).padStart(11, '0')
}

/** The environment that signs with this key; null when it is none of these. */
export function environmentIdOf(
  accessKeyId: string | null,
  environments: readonly EnvironmentInfo[],
): string | null {
  return environments.find(({ id }) => accessKeyIdOf(id) === accessKeyId)?.id ?? null
}

/** No other environment of the simulator has it. */
function numberOf(id: string): string {
  return id.slice(id.lastIndexOf('#') + 1)
}
