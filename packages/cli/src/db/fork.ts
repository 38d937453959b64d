import { formatBytes } from '@thaw/deploy'
import { forkDatabase } from '@thaw/sqlite'
import type { Command } from '../command.ts'
import { UsageError } from '../errors.ts'
import { momentOption, readMoment } from './moment.ts'
import { progressOn } from './progress.ts'
import { findTarget, inBucket, jsonOption, targetOptions, withSource } from './target.ts'

export const command: Command = {
  summary: 'Make a new database of this one, as it is or was',
  usage: 'thaw db fork NEW_URL [--at TIME|TXID] [--url URL] [--app DIR] [--json]',
  options: { ...momentOption, ...targetOptions, ...jsonOption },
  async run([url], values, io) {
    if (url === undefined) throw new UsageError(`Where to? Usage: ${this.usage}`)
    const moment = readMoment(values)
    const from = await findTarget(values, io)
    const to = { url: inBucket(url), environment: from.environment }
    await withSource(from, (source) =>
      withSource(to, async (target) => {
        const created = await forkDatabase(source, target, moment, progressOn())
        if (values.json === true) {
          io.out(JSON.stringify({ database: target.description, ...created }, null, 2))
          return
        }
        const { from: txid, bytes } = created
        io.out(`${target.description}: transaction ${txid} of ${source.description}, ${formatBytes(bytes)}`)
      }),
    )
    return 0
  },
}
