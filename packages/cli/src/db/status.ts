import { formatBytes } from '@thaw/deploy'
import {
  type Adoption,
  adoptionOf,
  type DatabaseStatus,
  findWholeFile,
  type LevelStatus,
  status,
} from '@thaw/sqlite'
import type { Command } from '../command.ts'
import { table } from '../help.ts'
import { findTarget, jsonOption, storeUrl, targetOptions, withSource } from './target.ts'

export const command: Command = {
  summary: 'What the bucket holds, and how far maintenance is behind',
  usage: 'thaw db status [--url URL] [--app DIR] [--json]',
  options: { ...targetOptions, ...jsonOption },
  maxPositionals: 0,
  async run(_, values, io) {
    const target = await findTarget(values, io)
    return withSource(target, async (source) => {
      const [found, adopted] = await Promise.all([status(source), adoptionOf(source)])
      const { description } = source
      const whole = found.head
        ? null
        : await findWholeFile(source.store, storeUrl(target), target.environment)
      if (values.json === true)
        io.out(JSON.stringify({ database: description, ...found, adopted, wholeFile: whole }, null, 2))
      else {
        for (const line of describe(description, found, adopted, Date.now())) io.out(line)
        if (whole !== null)
          io.out(`  but ${whole} is an SQLite file that is kept whole: thaw db import adopts it`)
      }
      return found.problem === null ? 0 : 1
    })
  },
}

function describe(name: string, found: DatabaseStatus, adopted: Adoption | null, now: number): string[] {
  const problem = found.problem === null ? [] : ['', `PROBLEM: ${found.problem}`]
  const { head } = found
  if (head === null) return [name, '  holds no database yet', ...problem]
  const age = (ms: number) => duration(now - ms)
  const { tail, restore } = found
  return [
    name,
    ...table([
      [
        'head',
        `transaction ${head.txid}, ${new Date(head.timestamp).toISOString()} (${age(head.timestamp)} ago)`,
      ],
      ['size', `${formatBytes(head.bytes)} in pages of ${head.pageSize} bytes`],
      ['restore', `reads ${count(restore.files, 'file')}, ${formatBytes(restore.bytes)}`],
      [
        'not compacted',
        tail.oldestAt === null
          ? 'nothing'
          : `${count(tail.files, 'transaction')}, ${formatBytes(tail.bytes)}, the oldest ${age(tail.oldestAt)} old`,
      ],
      ...found.lost.map(({ key, position, size, keptAt }): [string, string] => [
        'LOST',
        `${key}, ${formatBytes(size)}, ${age(keptAt)} ago: acknowledged by write-behind after transaction ${position}`,
      ]),
      ...(adopted ? [['adopted', `${adopted.from}, ${age(adopted.at)} ago`] as const] : []),
      ...found.levels.map((level): [string, string] => [`level ${level.level}`, describeLevel(level, age)]),
    ]),
    ...problem,
  ]
}

function describeLevel(level: LevelStatus, age: (ms: number) => string): string {
  return (
    `${count(level.files, 'file')}, ${formatBytes(level.bytes)}, transactions ${level.first} to ${level.last}, ` +
    `${age(level.newestAt)} to ${age(level.oldestAt)} old`
  )
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
]

function duration(ms: number): string {
  for (const [unit, size] of UNITS) if (ms >= 2 * size) return `${Math.floor(ms / size)} ${unit}`
  return `${Math.max(0, Math.floor(ms / 1000))} s`
}
