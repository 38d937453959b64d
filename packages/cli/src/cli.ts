import { parseArgs } from 'node:util'
import type { Command, CommandOption, CommandTable, Io } from './command.ts'
import { UsageError } from './errors.ts'
import { commandHelp, generalHelp } from './help.ts'
import { describeError } from './report.ts'

/** Options of every command. */
const commonOptions: Readonly<Record<string, CommandOption>> = {
  help: { type: 'boolean', short: 'h', help: 'show this' },
  verbose: { type: 'boolean', help: 'show where an error comes from' },
}

/**
 * Runs one command line (without node and the script) and resolves to the exit code: 0, 1 when the command
 * failed, 2 when the command line is wrong. Never throws.
 */
export async function runCli(table: CommandTable, args: readonly string[], io: Io): Promise<number> {
  try {
    return await dispatch(table, args, io)
  } catch (error) {
    for (const line of describeError(error, args.includes('--verbose'))) io.err(line)
    return error instanceof UsageError ? 2 : 1
  }
}

async function dispatch(table: CommandTable, args: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const lines = generalHelp(table)
    for (const line of lines) name === undefined ? io.err(line) : io.out(line)
    return name === undefined ? 2 : 0
  }
  const entry = Object.hasOwn(table, name) ? table[name] : undefined
  if (entry === undefined) {
    const known = Object.keys(table).join(', ')
    throw new UsageError(`There is no command '${name}'. Commands are ${known}; 'thaw --help' tells more.`)
  }
  const command = await entry.load()
  const options = { ...command.options, ...commonOptions }
  const { values, positionals } = parse(name, command, options, rest)
  if (values.help === true) {
    for (const line of commandHelp(command, options)) io.out(line)
    return 0
  }
  return (await command.run(positionals, values, io)) ?? 0
}

function parse(
  name: string,
  command: Command,
  options: Readonly<Record<string, CommandOption>>,
  args: readonly string[],
): { values: Record<string, string | boolean | undefined>; positionals: string[] } {
  const parsed = parseWith(name, options, args)
  const limit = command.maxPositionals ?? 1
  const surplus = parsed.positionals[limit]
  if (surplus !== undefined) {
    throw new UsageError(`'${surplus}' is one argument too many. Usage: ${command.usage}`)
  }
  return parsed
}

function parseWith(name: string, options: Readonly<Record<string, CommandOption>>, args: readonly string[]) {
  const config = Object.fromEntries(
    Object.entries(options).map(([key, { type, short }]) => [
      key,
      short === undefined ? { type } : { type, short },
    ]),
  )
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: config, allowPositionals: true })
    return { values: values as Record<string, string | boolean | undefined>, positionals }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const message = error.message.split('. ')[0] ?? error.message
    throw new UsageError(`${message}. 'thaw ${name} --help' tells what there is.`, { cause: error })
  }
}
