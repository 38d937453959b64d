import { isAbsolute, resolve } from 'node:path'
import { type DurabilityParameters, takeDurability } from './durability.ts'
import { ConfigError } from './errors.ts'

/** The SQL that a database speaks. */
export type EngineName = 'sqlite' | 'postgres'

/** Which database a URL means. `description` names it in messages and holds no secret. */
export type Target = FileTarget | BucketTarget | PostgresTarget

export interface FileTarget {
  readonly kind: 'file'
  readonly engine: 'sqlite'
  readonly description: string
  /** An absolute path, or `:memory:`. */
  readonly path: string
}

export interface BucketTarget extends DurabilityParameters {
  readonly kind: 'bucket'
  readonly engine: 'sqlite'
  readonly description: string
  /** What `openStore` takes. */
  readonly storeUrl: string
}

export interface PostgresTarget {
  readonly kind: 'postgres'
  readonly engine: 'postgres'
  readonly description: string
  readonly url: URL
}

const KNOWN = `known are
  sqlite:./app.db                     a local file (sqlite::memory: for none)
  sqlite+s3://bucket/prefix           SQLite whose home is a bucket (?endpoint=… for another S3,
                                      ?durability=write-behind&writes=10&interval=300)
  sqlite+file:///folder               SQLite whose home is a folder
  sqlite+memory:                      the same in memory, for tests
  postgres://user:password@host/name  PostgreSQL`

/**
 * Reads a database URL.
 * @param directory what a relative path of a local file is relative to
 * @throws ConfigError
 */
export function parseUrl(url: string | undefined, directory: string): Target {
  if (url === undefined || url.trim() === '')
    throw new ConfigError(`DATABASE_URL is not set, so there is no database to connect to; ${KNOWN}`)
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase()
  switch (scheme) {
    case 'sqlite':
      return localFile(url.slice('sqlite:'.length), directory)
    case 'sqlite+s3':
    case 'sqlite+file':
    case 'sqlite+memory':
      return bucket(url)
    case 'postgres':
    case 'postgresql':
      return server(url)
    case undefined:
      // The value itself is not repeated: it may be a password gone astray.
      throw new ConfigError(`DATABASE_URL does not begin with a scheme; ${KNOWN}`)
    default:
      throw new ConfigError(`DATABASE_URL has the unknown scheme "${scheme}:"; ${KNOWN}`)
  }
}

function bucket(url: string): BucketTarget {
  const description = withoutSecrets(url)
  const { rest, parameters } = takeDurability(url, description)
  return {
    kind: 'bucket',
    engine: 'sqlite',
    description,
    storeUrl: rest.slice('sqlite+'.length),
    ...parameters,
  }
}

function localFile(rest: string, directory: string): FileTarget {
  if (rest === ':memory:')
    return { kind: 'file', engine: 'sqlite', description: 'sqlite::memory:', path: rest }
  const refuse = (problem: string) =>
    new ConfigError(
      `DATABASE_URL "sqlite:${rest}": ${problem}. Write sqlite:./app.db (relative to ${directory}), ` +
        'sqlite:/absolute/app.db or sqlite::memory:',
    )
  if (rest === '') throw refuse('no file is named')
  if (rest.startsWith('//'))
    throw refuse('two slashes would be taken for a host by some and a path by others')
  if (/[?#]/.test(rest))
    throw refuse('a local file takes no parameters ("?" and "#" are written %3F and %23)')
  let path: string
  try {
    path = decodeURIComponent(rest)
  } catch {
    throw refuse('a "%" is written %25')
  }
  const absolute = isAbsolute(path) ? path : resolve(directory, path)
  return { kind: 'file', engine: 'sqlite', description: `sqlite:${absolute}`, path: absolute }
}

function server(given: string): PostgresTarget {
  const example = 'Write postgres://user:password@host:5432/name'
  if (!URL.canParse(given)) {
    throw new ConfigError(
      `DATABASE_URL begins with postgres but is no URL. ${example}, ` +
        'with every special character of the password percent-encoded',
    )
  }
  const url = new URL(given)
  const description = withoutSecrets(given)
  if (url.hash) throw new ConfigError(`DATABASE_URL ${description}: a "#" is written %23. ${example}`)
  if (url.pathname.length < 2)
    throw new ConfigError(`DATABASE_URL ${description} names no database. ${example}`)
  return { kind: 'postgres', engine: 'postgres', description, url }
}

/** The URL as it may be shown: no user, no password, no parameters. */
function withoutSecrets(url: string): string {
  return url.replace(/[?#].*$/s, '').replace(/\/\/.*@/s, '//')
}
