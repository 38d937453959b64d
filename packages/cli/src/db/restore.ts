import { restoreInPlace } from '@thaw/sqlite'
import { type Command, textValue } from '../command.ts'
import { UsageError } from '../errors.ts'
import { approval, confirmOptions } from './confirm.ts'
import { momentOption, readMoment } from './moment.ts'
import { progressOn } from './progress.ts'
import { replace } from './replacement.ts'
import { findTarget, jsonOption, targetOptions, withSource } from './target.ts'

export const command: Command = {
  summary: 'Give the database a state of the past again, as a new transaction',
  usage: 'thaw db restore --at TIME|TXID [--dry-run] [--yes] [--url URL] [--app DIR] [--json]',
  options: { ...momentOption, ...confirmOptions, ...targetOptions, ...jsonOption },
  maxPositionals: 0,
  async run(_, values, io) {
    const moment = readMoment(values)
    const at = textValue(values, 'at')
    if (at === null) throw new UsageError(`To when? Usage: ${this.usage}`)
    const what = `Give the database the state of ${at}`
    approval(values, what)
    const target = await findTarget(values, io)
    const progress = progressOn()
    return withSource(target, (source) =>
      replace(source, values, io, what, (approve) =>
        restoreInPlace(source, moment, { approve, ...(progress && { progress }) }),
      ),
    )
  },
}
