import { resolve } from 'node:path'
import { ConfigError, loadApp } from '@thaw/app'
import { parseUrl } from '@thaw/db/url'
import type { Source } from '@thaw/sqlite'
import { openStore, type StoreEnvironment } from '@thaw/store'
import { type CommandOption, type Io, textValue, type Values } from '../command.ts'
import { devEnvironment, hideSecrets } from '../dev/environment.ts'
import { UsageError } from '../errors.ts'

/** Options of every command on a database. */
export const targetOptions: Readonly<Record<string, CommandOption>> = {
  url: {
    type: 'string',
    value: 'URL',
    help: 'the database; DATABASE_URL, or that of the application, when absent',
  },
  app: {
    type: 'string',
    value: 'DIR',
    help: 'whose .env and database to use; the current folder when absent',
  },
}

export const jsonOption: Readonly<Record<string, CommandOption>> = {
  json: { type: 'boolean', help: 'print the result as JSON' },
}

/** Where a command finds its database, and what it may open stores with. */
export interface Target {
  /** `sqlite+s3://…`, `sqlite+file:///…` */
  readonly url: string
  readonly environment: StoreEnvironment
}

/**
 * The database that is meant: `--url`, else `DATABASE_URL`, else what `thaw dev` would give to the application. An
 * application is loaded only where it is named or needed; its `.env` counts then, and the process's own variables win.
 *
 * @throws UsageError when there is none, or it does not live in a bucket
 */
export async function findTarget(values: Values, io: Io): Promise<Target> {
  const given = textValue(values, 'url') ?? (io.environment.DATABASE_URL || null)
  const app = textValue(values, 'app')
  if (given !== null && app === null) return { url: inBucket(given), environment: io.environment }
  const variables = given === null ? io.environment : { ...io.environment, DATABASE_URL: given }
  const { DATABASE_URL: url, ...fromApp } = await appEnvironment(app, variables, io)
  if (url === undefined) {
    throw new UsageError('The application has no database: give --url URL, or set DATABASE_URL, to name one.')
  }
  return { url: inBucket(url), environment: { ...fromApp, ...io.environment } }
}

async function appEnvironment(app: string | null, variables: StoreEnvironment, io: Io) {
  try {
    const loaded = await loadApp(resolve(io.directory, app ?? '.'))
    return devEnvironment(loaded, variables, { packaged: true })
  } catch (error) {
    const absent = error instanceof ConfigError && error.code === 'CONFIG_NOT_FOUND'
    if (!absent || app !== null) throw error
    throw new UsageError(
      'Which database? Give --url URL, set DATABASE_URL, or name the application by --app DIR.',
    )
  }
}

/** @throws UsageError unless a database of that URL lives in a bucket */
export function inBucket(url: string): string {
  if (/^sqlite\+(s3|file):/i.test(url)) return url
  const scheme = /^[a-z][a-z0-9+.-]*:/i.test(url) ? `, not in ${hideSecrets(url)}` : ''
  throw new UsageError(
    'This works on a database that lives in a bucket, sqlite+s3://bucket/prefix or sqlite+file:///folder' +
      `${scheme}.`,
  )
}

/**
 * Opens the store of a database for `fn`, and closes it. Ctrl-C ends the process at once, which takes along what lies
 * in temporary directories.
 * @throws StoreConfigError, and what `fn` throws
 */
export async function withSource<T>(target: Target, fn: (source: Source) => Promise<T>): Promise<T> {
  const store = openStore(storeUrl(target), target.environment)
  const interrupt = () => process.exit(130)
  const terminate = () => process.exit(143)
  process.on('SIGINT', interrupt).on('SIGTERM', terminate)
  try {
    return await fn({ store, description: describe(target.url) })
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', terminate)
    await store.close()
  }
}

/**
 * What `openStore` takes.
 * @throws ConfigError for parameters of the database that make no sense
 */
export function storeUrl({ url }: Target): string {
  const target = parseUrl(url, process.cwd())
  if (target.kind !== 'bucket') throw new Error(`${target.description} lives in no bucket`)
  return target.storeUrl
}

/** The URL without parameters, which may be secret. */
function describe(url: string): string {
  return url.replace(/[?#].*$/s, '')
}
