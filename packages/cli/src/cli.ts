import { parseArgs } from 'node:util'
import type { Command, CommandGroup, CommandOption, CommandTable, Io } from './command.ts'
import { UsageError } from './errors.ts'
import { commandHelp, groupHelp } from './help.ts'
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
    return await dispatch('thaw', thaw(table), args, io)
  } catch (error) {
    for (const line of describeError(error, args.includes('--verbose'))) io.err(line)
    return error instanceof UsageError ? 2 : 1
  }
}

function thaw(commands: CommandTable): CommandGroup {
  const summary = 'Thaw runs a TypeScript backend with its database on AWS Lambda'
  return { summary, usage: 'thaw COMMAND [OPTIONS]', commands }
}

/** @param prefix what was typed before the arguments: `thaw`, `thaw db` */
async function dispatch(
  prefix: string,
  group: CommandGroup,
  args: readonly string[],
  io: Io,
): Promise<number> {
  const [word, ...rest] = args
  if (word === undefined || word === '--help' || word === '-h' || word === 'help') {
    const lines = groupHelp(prefix, group)
    for (const line of lines) word === undefined ? io.err(line) : io.out(line)
    return word === undefined ? 2 : 0
  }
  const entry = Object.hasOwn(group.commands, word) ? group.commands[word] : undefined
  const name = `${prefix} ${word}`
  if (entry === undefined) {
    const known = Object.keys(group.commands).join(', ')
    const what = prefix === 'thaw' ? `'${word}'` : `'${name}'`
    throw new UsageError(`There is no command ${what}. Commands are ${known}; '${prefix} --help' tells more.`)
  }
  const command = await entry.load()
  if ('commands' in command) return dispatch(name, command, rest, io)
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
    throw new UsageError(`${message}. '${name} --help' tells what there is.`, { cause: error })
  }
}
