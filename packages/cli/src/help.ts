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
    ...table(rows),
    '',
    `'${name} COMMAND --help' tells more about one.`,
  ]
}

export function commandHelp(command: Command, options: Readonly<Record<string, CommandOption>>): string[] {
  const rows = Object.entries(options).map(([name, option]): [string, string] => [
    `${option.short === undefined ? '    ' : `-${option.short}, `}--${name}${option.type === 'string' ? ` ${option.value ?? 'VALUE'}` : ''}`,
    option.help,
  ])
  return [`${command.summary}.`, '', `Usage: ${command.usage}`, '', 'Options:', ...table(rows)]
}

/** Pads all columns but the last; two blanks in front and between. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((text, column) => `  ${column + 1 < row.length ? text.padEnd(widths[column] ?? 0) : text}`)
      .join(''),
  )
}
