import { CHECK_PARTS, type CheckResult, checkDatabase } from '@thaw/sqlite'
import { StoreConfigError } from '@thaw/store'
import type { Command } from '../command.ts'
import { columns } from '../help.ts'
import { describeError } from '../report.ts'
import { progressOn } from './progress.ts'
import { findTarget, jsonOption, targetOptions, withSource } from './target.ts'

export const command: Command = {
  summary: 'Exercise the persistence end to end, without touching the data',
  usage:
    'thaw db check [--url URL] [--app DIR] [--configuration] [--upload] [--download] [--manager] [--all] [--json]',
  options: {
    configuration: { type: 'boolean', help: 'address, credentials, permissions, clock' },
    upload: { type: 'boolean', help: 'put and read back; whether the store honours conditional puts' },
    download: { type: 'boolean', help: 'restore a copy from the bucket and check all of it' },
    manager: { type: 'boolean', help: 'open the database as the application does' },
    all: { type: 'boolean', help: 'all of these, as when none is given' },
    ...targetOptions,
    ...jsonOption,
  },
  maxPositionals: 0,
  async run(_, values, io) {
    const target = await findTarget(values, io)
    const chosen = CHECK_PARTS.filter((part) => values[part] === true)
    const parts = values.all === true || chosen.length === 0 ? CHECK_PARTS : chosen
    const progress = progressOn()
    const results = await withSource(target, (source) =>
      checkDatabase(source, { parts, ...(progress && { progress }) }),
    ).catch((error: unknown): CheckResult[] => {
      // Without a store there is nothing else to check.
      if (!(error instanceof StoreConfigError)) throw error
      return [{ part: 'configuration', ok: false, detail: error.message, error }]
    })
    const ok = results.every((result) => result.ok)
    const shown = results.map((result) => show(result, values.verbose === true))
    if (values.json === true) io.out(JSON.stringify({ ok, results: shown }, null, 2))
    else for (const line of columns(shown.map(describe))) io.out(line)
    return ok ? 0 : 1
  },
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
