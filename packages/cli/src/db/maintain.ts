import { maintain } from '@thaw/sqlite'
import type { Command } from '../command.ts'
import { findTarget, jsonOption, targetOptions, withSource } from './target.ts'

export const command: Command = {
  summary: 'Compact, snapshot, and delete what retention allows',
  usage: 'thaw db maintain [--no-delete] [--url URL] [--app DIR] [--json]',
  options: {
    'no-delete': { type: 'boolean', help: 'delete nothing; needs no permission to' },
    ...targetOptions,
    ...jsonOption,
  },
  maxPositionals: 0,
  async run(_, values, io) {
    const target = await findTarget(values, io)
    const deleteExpired = values['no-delete'] !== true
    const { created, deleted } = await withSource(target, (source) => maintain(source, { deleteExpired }))
    if (values.json === true) io.out(JSON.stringify({ created, deleted }, null, 2))
    else {
      for (const key of created) io.out(`made ${key}`)
      for (const key of deleted) io.out(`deleted ${key}`)
      if (created.length + deleted.length === 0) io.out('nothing to do')
    }
    return 0
  },
}
