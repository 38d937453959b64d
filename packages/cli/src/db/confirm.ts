import { createInterface } from 'node:readline/promises'
import type { CommandOption, Values } from '../command.ts'
import { UsageError } from '../errors.ts'

export const confirmOptions: Readonly<Record<string, CommandOption>> = {
  'dry-run': { type: 'boolean', help: 'tell what would change, and change nothing' },
  yes: { type: 'boolean', short: 'y', help: 'do not ask; needed where there is no terminal' },
}

/**
 * How a command that replaces what is in a database comes to its yes: `--dry-run` is a no, `--yes` a yes, and without
 * either somebody at the terminal is asked.
 * @param what is going to be done, as a question begins: `Replace …`
 * @throws UsageError when there is nobody to ask
 */
export function approval(values: Values, what: string): 'no' | 'yes' | 'ask' {
  if (values['dry-run'] === true) return 'no'
  if (values.yes === true) return 'yes'
  if (process.stdin.isTTY && process.stderr.isTTY) return 'ask'
  throw new UsageError(
    `${what}? There is no terminal to ask at: add --yes, or --dry-run to see what would change.`,
  )
}

/** Asks at the terminal; everything but y and yes is a no. */
export async function ask(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  terminal.on('SIGINT', () => process.exit(130))
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim())
  } finally {
    terminal.close()
  }
}
