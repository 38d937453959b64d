import { resolve } from 'node:path'
import { ConfigError, loadApp } from '@thaw/app'
import { parseUrl } from '@thaw/db/url'
import type { Source } from '@thaw/sqlite'
import { openStore, type StoreEnvironment } from '@thaw/store'
import { type CommandOption, type Io, textValue, type Values } from '../command.ts'
import { devEnvironment, hideSecrets } from '../dev/environment.ts'
import { findRunning } from '../dev/running.ts'
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
 * Where functions of a running `thaw dev` see its S3 server, so do commands.
 *
 * @throws UsageError when there is none, or it does not live in a bucket
 */
export async function findTarget(values: Values, io: Io): Promise<Target> {
  const given = textValue(values, 'url') ?? (io.environment.DATABASE_URL || null)
  const app = textValue(values, 'app')
  if (given !== null && app === null) {
    const target = { url: inBucket(given), environment: io.environment }
    return (await inLocalS3(target, resolve(io.directory), io)) ?? target
  }
  const variables = given === null ? io.environment : { ...io.environment, DATABASE_URL: given }
  const { root, environment } = await appEnvironment(app, variables, io)
  const { DATABASE_URL: url, ...fromApp } = environment
  if (url === undefined) {
    throw new UsageError('The application has no database: give --url URL, or set DATABASE_URL, to name one.')
  }
  const target = { url: inBucket(url), environment: { ...fromApp, ...io.environment } }
  if (!needsLocalS3(target)) return target
  const local = await inLocalS3(target, root, io)
  if (local !== null) return local
  throw new UsageError(
    `Without AWS_ACCESS_KEY_ID, ${hideSecrets(url)} is in the S3 server of thaw dev, which does not run in ${root}: ` +
      'start thaw dev, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for a real bucket.',
  )
}

/** Whether functions would be led to the S3 server of `thaw dev`: as the simulator decides it. */
function needsLocalS3({ url, environment }: Target): boolean {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_ENDPOINT_URL: endpoint } = environment
  return /^sqlite\+s3:/i.test(url) && accessKeyId === undefined && endpoint === undefined
}

/** The target in the S3 server of the `thaw dev` that runs in `root`; null when none does, or it is not meant. */
async function inLocalS3(target: Target, root: string, io: Io): Promise<Target | null> {
  const running = needsLocalS3(target) ? await findRunning(root) : null
  if (running === null) return null
  const { endpointVariables } = await import('@thaw/local')
  io.err(`in the S3 server of thaw dev, ${running.s3Url}`)
  const given = Object.entries(target.environment).filter((entry): entry is [string, string] => {
    return entry[1] !== undefined
  })
  return { ...target, environment: endpointVariables({ S3: running.s3Url }, Object.fromEntries(given)) }
}

async function appEnvironment(app: string | null, variables: StoreEnvironment, io: Io) {
  try {
    const loaded = await loadApp(resolve(io.directory, app ?? '.'))
    return { root: loaded.root, environment: devEnvironment(loaded, variables, { packaged: true }) }
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
