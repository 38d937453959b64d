import { askExtension, askService, type Kind } from './source.ts'

export interface SecretOptions {
  /**
   * Asks again although a value is known, and past the extension: for whoever was refused with the old value, because
   * it has been rotated. Those who ask at the same time share one question.
   */
  readonly refresh?: boolean
}

export interface Secrets {
  /** A secret of Secrets Manager, by name or ARN. Throws `SecretError`, `AwsCallError`. */
  secret(name: string, options?: SecretOptions): Promise<string>
  /** A parameter of the Parameter Store, decrypted. Throws `SecretError`, `AwsCallError`. */
  parameter(name: string, options?: SecretOptions): Promise<string>
}

interface Known {
  readonly value: string
  readonly at: number
  /** Number of the question that it answers. */
  readonly turn: number
}

/**
 * Secrets and parameters, each asked for when it is first needed and known for `ttlMs` (5 minutes when absent). A
 * question that fails is forgotten, so that the next one asks again.
 *
 * @param now the time in ms, by a clock that goes on while the environment is frozen.
 */
export function createSecrets({ ttlMs = 300_000, now = Date.now } = {}): Secrets {
  const known = new Map<string, Known>()
  const asked = new Map<string, Promise<string>>()

  let turns = 0

  async function ask(kind: Kind, name: string, refresh: boolean): Promise<string> {
    const id = `${kind} ${name}`
    const turn = ++turns
    const value = (refresh ? null : await askExtension(kind, name)) ?? (await askService(kind, name))
    const newer = known.get(id)
    if (newer && newer.turn > turn) return newer.value
    known.set(id, { value, at: now(), turn })
    return value
  }

  async function get(kind: Kind, name: string, { refresh = false }: SecretOptions = {}): Promise<string> {
    const id = `${kind} ${name}`
    const entry = known.get(id)
    if (entry && !refresh && now() - entry.at < ttlMs) return entry.value
    const question = `${refresh} ${id}`
    const answer = asked.get(question) ?? ask(kind, name, refresh).finally(() => asked.delete(question))
    asked.set(question, answer)
    return answer
  }

  return {
    secret: (name, options) => get('secret', name, options),
    parameter: (name, options) => get('parameter', name, options),
  }
}

/** Those of this process. */
export const { secret, parameter } = createSecrets()
