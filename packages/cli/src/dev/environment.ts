import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseEnv } from 'node:util'
import { durabilityQuery, type LoadedApp } from '@thaw/app'

/** What the SDK and the S3 store read; a function on Lambda has it from its role. */
const awsVariables = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_S3',
]

type Variables = Readonly<Record<string, string | undefined>>

/**
 * What `thaw dev` gives to every function: everything in the project's `.env` (where the process's own variables
 * win, name by name), `ENVIRONMENT` (`development` where neither says), `DATABASE_URL`, where migrations and seed are, and AWS credentials only when the database
 * is on S3. Nothing else of the developer's environment.
 *
 * An application with a database and no `DATABASE_URL` gets a bucket in `.thaw/bucket` of the project; under chaos,
 * one of the local S3 server. In a
 * package migrations and seed come along, so `packaged` leaves them to it.
 */
export function devEnvironment(
  loaded: LoadedApp,
  variables: Variables,
  options: {
    readonly packaged: boolean
    /** The database is to be behind the local S3 server, which can fail as a folder cannot. */
    readonly chaos?: boolean
  },
): Record<string, string> {
  const file = readEnvFile(join(loaded.root, '.env'))
  // A developer may see what an error says; see `exposeErrors` of `serve`.
  const environment: Record<string, string> = { ENVIRONMENT: variables.ENVIRONMENT ?? 'development' }
  for (const [name, value] of Object.entries(file)) environment[name] = variables[name] ?? value
  const { database } = loaded.app
  const given = variables.DATABASE_URL ?? file.DATABASE_URL ?? null
  const local = options.chaos === true ? chaosBucket : localBucket
  const url = given ?? (database === undefined ? null : local(loaded))
  if (url !== null) environment.DATABASE_URL = url
  if (given !== null && /^\w+\+s3:/.test(given)) {
    for (const name of awsVariables) {
      const value = variables[name]
      if (value !== undefined) environment[name] = value
    }
  }
  if (!options.packaged && database?.migrations !== undefined) {
    environment.THAW_MIGRATIONS = join(loaded.root, database.migrations)
  }
  if (!options.packaged && database?.seed !== undefined) {
    environment.THAW_SEED = join(loaded.root, database.seed)
  }
  return environment
}

/** A URL that may be shown: without passwords, and without what a query keeps secret. */
export function hideSecrets(url: string): string {
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    return `${url.split(':')[0]}:…`
  }
  if (parsed.password !== '') parsed.password = '***'
  for (const name of new Set(parsed.searchParams.keys())) {
    if (/secret|password|token|key|credential/i.test(name)) parsed.searchParams.set(name, '***')
  }
  return parsed.href
}

function localBucket(loaded: LoadedApp): string {
  const { name, database = {} } = loaded.app
  return `sqlite+${pathToFileURL(join(loaded.root, '.thaw', 'bucket', name)).href}${durabilityQuery(database)}`
}

/** Address and credentials are those that every function gets for S3. */
function chaosBucket({ app }: LoadedApp): string {
  const { name, database = {} } = app
  const query = new URLSearchParams(durabilityQuery(database))
  query.set('forcePathStyle', 'true')
  return `sqlite+s3://thaw-chaos/${name}?${query}`
}

function readEnvFile(path: string): Readonly<Record<string, string>> {
  try {
    return parseEnv(readFileSync(path, 'utf8')) as Record<string, string>
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
}
