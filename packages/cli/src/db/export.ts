import { resolve } from 'node:path'
import { formatBytes } from '@thaw/deploy'
import { exportDatabase } from '@thaw/sqlite'
import type { Command } from '../command.ts'
import { UsageError } from '../errors.ts'
import { momentOption, readMoment } from './moment.ts'
import { progressOn } from './progress.ts'
import { findTarget, jsonOption, targetOptions, withSource } from './target.ts'

export const command: Command = {
  summary: 'Write the database, as it is or was, into an ordinary SQLite file',
  usage: 'thaw db export FILE [--at TIME|TXID] [--url URL] [--app DIR] [--json]',
  options: { ...momentOption, ...targetOptions, ...jsonOption },
  async run([file], values, io) {
    if (!file) throw new UsageError(`Which file? Usage: ${this.usage}`)
    const moment = readMoment(values)
    const target = await findTarget(values, io)
    const result = await withSource(target, (source) =>
      exportDatabase(source, resolve(io.directory, file), moment, progressOn()),
    )
    if (values.json === true) io.out(JSON.stringify(result, null, 2))
    else {
      const { path, txid, timestamp, bytes } = result
      io.out(`${path}: transaction ${txid} of ${new Date(timestamp).toISOString()}, ${formatBytes(bytes)}`)
    }
    return 0
  },
}
