import { formatBytes } from '@thaw/deploy'
import { pullDatabase } from '@thaw/sqlite'
import type { Command } from '../command.ts'
import { localFile } from './local-file.ts'
import { progressOn } from './progress.ts'
import { findTarget, jsonOption, targetOptions, withSource } from './target.ts'

export const command: Command = {
  summary: 'Bring the database into a local SQLite file, to look at and to push back',
  usage: 'thaw db pull [FILE] [--url URL] [--app DIR] [--json]',
  options: { ...targetOptions, ...jsonOption },
  async run([file], values, io) {
    const target = await findTarget(values, io)
    const result = await withSource(target, (source) =>
      pullDatabase(source, localFile(file, target, io), progressOn()),
    )
    if (values.json === true) io.out(JSON.stringify(result, null, 2))
    else {
      const { path, txid, timestamp, bytes } = result
      io.out(`${path}: transaction ${txid} of ${new Date(timestamp).toISOString()}, ${formatBytes(bytes)}`)
    }
    return 0
  },
}
