import {
  CHECK_PARTS,
  type CheckPart,
  type CheckResult,
  checkDatabase,
  DEFAULT_CHECK_PARTS,
} from '@thaw/sqlite'
import { bucketSettings, StoreConfigError } from '@thaw/store'
import type { Command } from '../command.ts'
import { table } from '../help.ts'
import { describeError } from '../report.ts'
import { progressOn } from './progress.ts'
import { findTarget, jsonOption, storeUrl, targetOptions, withSource } from './target.ts'

export const command: Command = {
  summary: 'Exercise the persistence end to end, without touching the data',
  usage:
    'thaw db check [--config] [--upload] [--download] [--manager] [--history] [--all] [--url URL] [--app DIR] [--json]',
  options: {
    config: { type: 'boolean', help: 'address, credentials, permissions, clock, rules of the bucket' },
    upload: { type: 'boolean', help: 'put and read back; whether the store honours conditional puts' },
    download: { type: 'boolean', help: 'restore a copy from the bucket and check all of it' },
    manager: { type: 'boolean', help: 'open the database as the application does' },
    history: { type: 'boolean', help: 'read every object that is kept; all but this when none is given' },
    all: { type: 'boolean', help: 'all of these' },
    ...targetOptions,
    ...jsonOption,
  },
  maxPositionals: 0,
  async run(_, values, io) {
    const target = await findTarget(values, io)
    const chosen = CHECK_PARTS.filter((part) => values[flagOf(part)] === true)
    const parts = values.all === true ? CHECK_PARTS : chosen.length > 0 ? chosen : DEFAULT_CHECK_PARTS
    const progress = progressOn()
    const settings = () => bucketSettings(storeUrl(target), target.environment)
    const results = await withSource(target, (source) =>
      checkDatabase(source, { parts, settings, ...(progress && { progress }) }),
    ).catch((error: unknown): CheckResult[] => {
      // Without a store there is nothing else to check.
      if (!(error instanceof StoreConfigError)) throw error
      return [{ part: 'configuration', ok: false, detail: error.message, error }]
    })
    const ok = results.every((result) => result.ok)
    const shown = results.map((result) => show(result, values.verbose === true))
    if (values.json === true) io.out(JSON.stringify({ ok, results: shown }, null, 2))
    else for (const line of table(shown.map(describe))) io.out(line)
    return ok ? 0 : 1
  },
}

function flagOf(part: CheckPart): string {
  return part === 'configuration' ? 'config' : part
}

/** A result as it is shown: an error as the text that other commands show of it. */
interface Shown {
  readonly part: string
  readonly ok: boolean
  readonly detail: string
  readonly error?: string
}

function show(result: CheckResult, verbose: boolean): Shown {
  const { part, ok, detail } = result
  return { part, ok, detail, ...(ok ? {} : { error: describeError(result.error, verbose).join('\n') }) }
}

function describe({ part, ok, detail, error }: Shown): readonly [string, string] {
  return [part, ok ? `ok      ${detail}` : `FAILED  ${error ?? detail}`]
}
