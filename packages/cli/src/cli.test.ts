import { expect, test } from 'vitest'
import { runCli } from './cli.ts'
import type { Command, CommandGroup, CommandTable, Values } from './command.ts'
import { UsageError } from './errors.ts'
import { commands } from './table.ts'

class ShopError extends Error {
  readonly code = 'SHOP_CLOSED'
}

/** A table with one command, `open`, and what it was called with. */
function shop(run: (positionals: readonly string[], values: Values) => Promise<number | undefined>) {
  const command: Command = {
    summary: 'Open the shop',
    usage: 'thaw open [DIR] [--at TIME] [--late]',
    options: {
      at: { type: 'string', short: 'a', value: 'TIME', help: 'when' },
      late: { type: 'boolean', help: 'after hours' },
    },
    run,
  }
  return { open: { summary: command.summary, load: async () => command } }
}

async function call(table: CommandTable, ...args: string[]) {
  const out: string[] = []
  const err: string[] = []
  const code = await runCli(table, args, {
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
    environment: {},
    directory: '/',
  })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

test('a command gets its arguments and options, and its number is the exit code', async () => {
  const calls: unknown[] = []
  const table = shop(async (positionals, values) => {
    calls.push([positionals, { ...values }])
    return positionals.length === 0 ? undefined : 7
  })
  expect(await call(table, 'open', 'here', '-a', '9:00', '--late')).toEqual({ code: 7, out: '', err: '' })
  expect((await call(table, 'open')).code).toBe(0)
  expect(calls).toEqual([
    [['here'], { at: '9:00', late: true }],
    [[], {}],
  ])
})

test('help is no error, and a bare call is one', async () => {
  const table = shop(async () => 0)
  const help = await call(table, '--help')
  expect(help).toMatchObject({ code: 0, err: '' })
  expect(help.out).toContain('open  Open the shop')
  expect(await call(table)).toEqual({ code: 2, out: '', err: help.out })
  const own = await call(table, 'open', '--help')
  expect(own.code).toBe(0)
  for (const text of ['thaw open [DIR]', '-a, --at TIME', '--late', '-h, --help', '--verbose']) {
    expect(own.out).toContain(text)
  }
})

test.each([
  [['close'], "There is no command 'close'. Commands are open"],
  [['toString'], "There is no command 'toString'"],
  [['open', '--soon'], "Unknown option '--soon'. 'thaw open --help'"],
  [['open', '--at'], "Option '-a, --at <value>' argument missing"],
  [['open', '--late=no'], "Option '--late' does not take an argument"],
  [['open', 'a', 'b'], "'b' is one argument too many. Usage: thaw open"],
])('%j is a wrong call', async (args, message) => {
  const answer = await call(
    shop(async () => 0),
    ...args,
  )
  expect(answer).toMatchObject({ code: 2, out: '' })
  expect(answer.err).toContain(message)
  expect(answer.err).not.toContain('\n')
})

test('an error of ours is its code and its message; --verbose adds the stack', async () => {
  const table = shop(async () => {
    throw new ShopError('closed on\nSundays')
  })
  expect(await call(table, 'open')).toEqual({ code: 1, out: '', err: 'SHOP_CLOSED: closed on\nSundays' })
  expect((await call(table, 'open', '--verbose')).err).toContain('cli.test.ts')
})

test('a defect shows its stack, a wrong value of an option ends with 2', async () => {
  const defect = shop(async () => {
    throw new TypeError('x is not a function')
  })
  const answer = await call(defect, 'open')
  expect(answer.code).toBe(1)
  expect(answer.err).toContain('TypeError: x is not a function\n    at')
  const usage = shop(async () => {
    throw new UsageError('--at takes a time')
  })
  expect(await call(usage, 'open')).toEqual({ code: 2, out: '', err: '--at takes a time' })
})

test('commands of a group are found, helped with and refused by their whole name', async () => {
  const commands = shop(async ([door]) => (door === 'back' ? 3 : 0))
  const group = { summary: 'Mind the shop', usage: 'thaw shop COMMAND [OPTIONS]', commands }
  const table = { shop: { summary: group.summary, load: async () => group } }
  expect((await call(table, 'shop', 'open', 'back')).code).toBe(3)
  const help = await call(table, 'shop', '--help')
  expect(help).toMatchObject({ code: 0, err: '' })
  for (const text of [
    'Mind the shop.',
    'Usage: thaw shop COMMAND',
    'open  Open the shop',
    "'thaw shop COMMAND --help'",
  ]) {
    expect(help.out).toContain(text)
  }
  expect(await call(table, 'shop')).toEqual({ code: 2, out: '', err: help.out })
  expect((await call(table, 'shop', 'open', '--help')).out).toContain('thaw open [DIR]')
  expect(await call(table, 'shop', 'close')).toEqual({
    code: 2,
    out: '',
    err: "There is no command 'thaw shop close'. Commands are open; 'thaw shop --help' tells more.",
  })
  expect((await call(table, 'shop', 'open', '--soon')).err).toContain("'thaw shop open --help'")
})

/** Every command and every group with the name that is typed for it. */
async function* everything(
  table: CommandTable,
  prefix: string,
): AsyncGenerator<[string, string, Command | CommandGroup]> {
  for (const [word, entry] of Object.entries(table)) {
    const name = `${prefix} ${word}`
    const command = await entry.load()
    yield [name, entry.summary, command]
    if ('commands' in command) yield* everything(command.commands, name)
  }
}

test('the table says of each command what the command says of itself', async () => {
  for await (const [name, summary, command] of everything(commands, 'thaw')) {
    expect(command.summary).toBe(summary)
    expect(command.usage).toMatch(new RegExp(`^${name}\\b`))
    if ('commands' in command) continue
    for (const option of Object.keys(command.options)) expect(command.usage, name).toContain(`--${option}`)
  }
})
