import { pushDatabase } from '@thaw/sqlite'
import type { Command } from '../command.ts'
import { approval, confirmOptions } from './confirm.ts'
import { localFile } from './local-file.ts'
import { progressOn } from './progress.ts'
import { replace } from './replacement.ts'
import { findTarget, jsonOption, targetOptions, withSource } from './target.ts'

export const command: Command = {
  summary: 'Make the database what a file that was pulled says now, as a new transaction',
  usage: 'thaw db push [FILE] [--force] [--dry-run] [--yes] [--url URL] [--app DIR] [--json]',
  options: {
    force: {
      type: 'boolean',
      help: 'replace what others wrote since the pull, or all of it by any file; asks first',
    },
    ...confirmOptions,
    ...targetOptions,
    ...jsonOption,
  },
  async run([file], values, io) {
    const force = values.force === true
    // On top of what was pulled nothing is lost, so nobody is asked.
    const given = force ? values : { yes: true, ...values }
    approval(given, 'Replace all that is in the database')
    const target = await findTarget(values, io)
    const path = localFile(file, target, io)
    const progress = progressOn()
    return withSource(target, (source) =>
      replace(source, given, io, `Replace all that is in the database by ${path}`, (approve) =>
        pushDatabase(source, path, { force, approve, ...(progress && { progress }) }),
      ),
    )
  },
}
