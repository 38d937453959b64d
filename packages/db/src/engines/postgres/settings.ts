import type { ClientConfig } from 'pg'
import { ConfigError } from '../../errors.ts'
import type { PostgresTarget } from '../../url.ts'
import { portableTypes } from './values.ts'

/** How a server is talked to. Times in ms. */
export interface PostgresSettings {
  readonly description: string
  readonly client: ClientConfig
  /** For one attempt to connect. */
  readonly connectTimeoutMs: number
  /** The server ends a statement after this; 0 for never. */
  readonly statementTimeoutMs: number
}

/**
 * Reads the parameters of the URL that are Thaw's business, and leaves the rest (`sslmode`, …) to `pg`:
 * - `connect_timeout`, seconds for one attempt, 5 when absent
 * - `statement_timeout`, ms, 30,000 when absent, 0 for none
 * - `application_name`, else the name of the Lambda function, else `thaw`
 * @throws ConfigError
 */
export function postgresSettings(
  { url, description }: PostgresTarget,
  env: Readonly<Record<string, string | undefined>>,
): PostgresSettings {
  const number = (name: string, absent: number) => {
    const text = url.searchParams.get(name)
    if (text === null) return absent
    if (/^\d{1,9}$/.test(text)) return Number(text)
    throw new ConfigError(`DATABASE_URL ${description}: ${name} must be a whole number`)
  }
  const connectTimeoutMs = number('connect_timeout', 5) * 1_000
  if (connectTimeoutMs === 0)
    throw new ConfigError(`DATABASE_URL ${description}: connect_timeout must be 1 or more`)
  const statementTimeoutMs = number('statement_timeout', 30_000)
  // A connection string wins over the settings beside it, so what is given here must not be in it.
  const rest = new URL(url)
  for (const name of ['connect_timeout', 'statement_timeout', 'application_name'])
    rest.searchParams.delete(name)
  const client: ClientConfig = {
    connectionString: rest.href,
    application_name: url.searchParams.get('application_name') ?? env.AWS_LAMBDA_FUNCTION_NAME ?? 'thaw',
    statement_timeout: statementTimeoutMs,
    // An environment that is frozen inside a transaction must not hold its locks for ever.
    idle_in_transaction_session_timeout: 60_000,
    keepAlive: true,
    types: portableTypes,
  }
  return { description, client, connectTimeoutMs, statementTimeoutMs }
}
