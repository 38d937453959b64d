import { resolve } from 'node:path'
import { formatBytes } from '@thaw/deploy'
import { importDatabase } from '@thaw/sqlite'
import type { Command } from '../command.ts'
import { UsageError } from '../errors.ts'
import { progressOn } from './progress.ts'
import { findTarget, jsonOption, targetOptions, withSource } from './target.ts'

export const command: Command = {
  summary: 'Make the database of an SQLite file, where there is none yet',
  usage: 'thaw db import FILE [--url URL] [--app DIR] [--json]',
  options: { ...targetOptions, ...jsonOption },
  async run([file], values, io) {
    if (file === undefined) throw new UsageError(`Which file? Usage: ${this.usage}`)
    const target = await findTarget(values, io)
    await withSource(target, async (source) => {
      const created = await importDatabase(source, resolve(io.directory, file), progressOn())
      if (values.json === true) io.out(JSON.stringify({ database: source.description, ...created }, null, 2))
      else
        io.out(`${source.description}: ${formatBytes(created.bytes)} in pages of ${created.pageSize} bytes`)
    })
    return 0
  },
}
