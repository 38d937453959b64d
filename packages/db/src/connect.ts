import { resolve } from 'node:path'
import type { Durability, Freshness, WriteBehindSettings } from '@thaw/sqlite'
import { Kysely, type KyselyPlugin, type KyselyProps } from 'kysely'
import { Core } from './core.ts'
import { Database, transactionOver } from './database.ts'
import { dialectOf } from './dialect.ts'
import { EngineDriver } from './driver.ts'
import type { Adopt } from './engines/bucket/adopt.ts'
import type { Engine, EngineOptions } from './engines/engine.ts'
import { ConfigError } from './errors.ts'
import { type Folders, prepare } from './migrate/prepare.ts'
import type { Untyped } from './migrate/state.ts'
import { Nesting } from './nesting.ts'
import { parseUrl, type Target } from './url.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface ConnectOptions {
  /** `DATABASE_URL` of the environment when absent. */
  readonly url?: string | undefined
  /** Folder of Kysely migrations; `THAW_MIGRATIONS` when absent, none when null. */
  readonly migrations?: string | null | undefined
  /** Folder of JSON files that fill a new database; `THAW_SEED` when absent, none when null. */
  readonly seed?: string | null | undefined
  /**
   * When what was written is durable, for a database whose home is a bucket; `?durability=` of the URL when absent, else
   * `commit`. Without effect on others: there each statement or transaction is durable when it resolves.
   */
  readonly durability?: Durability | undefined
  /**
   * What to do about a database file that an earlier system kept whole in a bucket (`DATABASE_S3_KEY`, `DB_S3_KEY`);
   * `THAW_ADOPT` when absent, else `required`. Only for a database in a bucket that holds nothing yet.
   */
  readonly adopt?: Adopt | undefined
  /** Kysely plugins. Migrations and seeds go without them. */
  readonly plugins?: KyselyPlugin[]
  /** How new reads are of a database whose home is a bucket, unless `around` says; `strong` when absent. */
  readonly freshness?: Freshness | undefined
  /**
   * For how long a key of `atomic` is remembered, ms; 15 days when absent, longer than Amazon SQS keeps a message. All
   * who connect to a database should say the same.
   */
  readonly keyLifetimeMs?: number | undefined
  /** When write-behind persists; what the URL says, else after 10 writes and every 300 s, when absent. */
  readonly writeBehind?: WriteBehindSettings | undefined
  /** `process.env` when absent. Relative folders are relative to its `LAMBDA_TASK_ROOT`, else to the working directory. */
  readonly env?: Environment
}

/**
 * The database behind a URL, as a Kysely instance. It begins to open at once, without waiting; what goes wrong is
 * reported by the first query.
 *
 * @throws ConfigError at once when the URL is missing or makes no sense
 */
export function connect<Schema>(options: ConnectOptions = {}): Database<Schema> {
  const env = options.env ?? process.env
  const target = parseUrl(options.url ?? env.DATABASE_URL, process.cwd())
  const { keyLifetimeMs } = options
  if (keyLifetimeMs !== undefined && !(keyLifetimeMs > 0))
    throw new ConfigError(`keyLifetimeMs is ${keyLifetimeMs}: it has to be more than 0 ms`)
  const adopt = adoptOf(options.adopt ?? env.THAW_ADOPT)
  const root = env.LAMBDA_TASK_ROOT ?? process.cwd()
  const folders: Folders = {
    migrations: folder(options.migrations, env.THAW_MIGRATIONS, root),
    seed: folder(options.seed, env.THAW_SEED, root),
  }

  const nesting = new Nesting()
  const driver = new EngineDriver(async () => (await core.ready()).engine, nesting)
  const dialect = dialectOf(target.engine, driver)
  const config = { dialect }
  const plain: KyselyProps = { config, dialect, driver, executor: new Kysely({ dialect }).getExecutor() }
  const core: Core = new Core(
    target.description,
    () => open(target, env, { ...options, adopt }),
    (engine) =>
      nesting.inside('migration', () =>
        prepare(engine, (connection) => transactionOver<Untyped>(plain, connection), folders),
      ),
  )
  core.start()
  const executor = plain.executor.withPlugins(options.plugins ?? [])
  return new Database<Schema>({ ...plain, executor }, { core, nesting, engine: target.engine })
}

function folder(
  option: string | null | undefined,
  variable: string | undefined,
  root: string,
): string | null {
  if (option === null) return null
  const given = option ?? variable
  return given === undefined || given === '' ? null : resolve(root, given)
}

function adoptOf(given: string | undefined): Adopt {
  if (given === undefined || given === '' || given === 'required') return 'required'
  if (given === 'if-present' || given === 'never') return given
  throw new ConfigError(`THAW_ADOPT is "${given}": it has to be required, if-present or never`)
}

/** Loads what the URL asks for, and nothing else. */
async function open(target: Target, env: Environment, options: EngineOptions): Promise<Engine> {
  switch (target.kind) {
    case 'bucket':
      return (await import('./engines/bucket/engine.ts')).openBucket(target, env, options)
    case 'file':
      return (await import('./engines/file/engine.ts')).openFile(target, options)
    case 'postgres':
      return (await import('./engines/postgres/engine.ts')).openPostgres(target, env, options)
  }
}
