import type { Command, CommandGroup, CommandOption } from './command.ts'

/** @param name what is typed before the command: `thaw`, `thaw db` */
export function groupHelp(name: string, { summary, usage, commands }: CommandGroup): string[] {
  const rows = Object.entries(commands).map(([name, entry]): [string, string] => [name, entry.summary])
  return [
    `${summary}.`,
    '',
    `Usage: ${usage}`,
    '',
    'Commands:',
    ...columns(rows),
    '',
    `'${name} COMMAND --help' tells more about one.`,
  ]
}

export function commandHelp(command: Command, options: Readonly<Record<string, CommandOption>>): string[] {
  const rows = Object.entries(options).map(([name, option]): [string, string] => [
    `${option.short === undefined ? '    ' : `-${option.short}, `}--${name}${option.type === 'string' ? ` ${option.value ?? 'VALUE'}` : ''}`,
    option.help,
  ])
  return [`${command.summary}.`, '', `Usage: ${command.usage}`, '', 'Options:', ...columns(rows)]
}

/** Pads the first column; two blanks in front and between. */
export function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([first]) => first.length))
  return rows.map(([first, second]) => `  ${first.padEnd(width)}  ${second}`)
}
