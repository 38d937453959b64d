import type { AroundOptions, Invocation, Persisted, PersistOptions, WriteBehindControl } from '@thaw/sqlite'
import {
  ConnectionBuilder,
  type DatabaseConnection,
  Kysely,
  type KyselyPlugin,
  type KyselyProps,
  SingleConnectionProvider,
  Transaction,
  TransactionBuilder,
} from 'kysely'
import type { Core } from './core.ts'
import { LentConnection } from './driver.ts'
import { KeyError } from './errors.ts'
import type { Preparation } from './migrate/prepare.ts'
import type { Nesting } from './nesting.ts'
import type { EngineName } from './url.ts'

const MAX_KEY_BYTES = 1_000

export interface AtomicOptions {
  /**
   * Names the intent: the result is recorded under the key in the same transaction, and while the key lives
   * (`keyLifetimeMs` of `connect`) a repeated call with it gets the recorded result and runs nothing. At most 1,000
   * bytes.
   */
  readonly key?: string | undefined
}

/** What every object made of one database shares. */
export interface Shared {
  readonly core: Core
  readonly nesting: Nesting
  readonly engine: EngineName
}

/** A Kysely instance that opens, migrates and seeds its database before its first query. */
export class Database<Schema> extends Kysely<Schema> {
  /** The SQL that the database speaks. */
  readonly engine: EngineName
  readonly #props: KyselyProps
  readonly #shared: Shared

  constructor(props: KyselyProps, shared: Shared) {
    super(props)
    this.#props = props
    this.#shared = shared
    this.engine = shared.engine
  }

  /**
   * Runs `fn` in one serializable transaction and resolves when it is durable. **`fn` may run more than once**: when
   * others were faster it is undone and run again on the newer state, so it should do nothing but use `tx`.
   *
   * @returns what `fn` returns; with a `key`, what JSON makes of it
   * @throws ConflictError when others were always faster; nothing was written
   * @throws CommitUnknownError when the answer to the commit was lost; repeating with the same `key` is harmless
   */
  async atomic<T>(fn: (tx: Transaction<Schema>) => T | Promise<T>, { key }: AtomicOptions = {}): Promise<T> {
    const { core, nesting } = this.#shared
    nesting.check()
    if (key !== undefined) checkKey(key)
    const { engine } = await core.ready()
    return engine.atomic(
      (connection) =>
        nesting.inside('atomic', async () => {
          const lent = new LentConnection(connection)
          try {
            return await fn(transactionOver<Schema>(this.#props, lent))
          } finally {
            await lent.end()
          }
        }),
      key,
    )
  }

  /** Opens, migrates and seeds, if that has not been done. Every query waits for this by itself. */
  async ready(): Promise<Preparation> {
    const { preparation } = await this.#shared.core.ready()
    return preparation
  }

  /**
   * Takes part in one request, as `serve(app, { with: [db] })` has it. Reads inside are as new as `options` or, where
   * they do not say, `connect` asked for; by default as its beginning. A bookmark that the request brought goes in as
   * `{ freshness: { bookmark, otherwise: 'strong' } }`, so that one that cannot be honoured is no error; the one to
   * answer with is `bookmark`, read in the same context.
   *
   * A local file and PostgreSQL have one copy, whose reads are always strong: there freshness does nothing.
   */
  readonly around = async <T>(
    invocation: Invocation,
    next: () => Promise<T>,
    options: AroundOptions = {},
  ): Promise<T> => {
    const engine = await this.#shared.core.opened()
    return engine ? engine.around(invocation, next, options) : next()
  }

  /**
   * Stands for what the request of `around` has read and written, outside of one for what this environment's copy
   * holds: a read elsewhere with `{ freshness: { bookmark } }` sees all of it. A short text, safe in an HTTP header.
   * Null before the database is open, while it is empty, and where there is one copy: a local file, PostgreSQL.
   */
  get bookmark(): string | null {
    return this.#shared.core.engine?.bookmark ?? null
  }

  /**
   * Resolves when everything that was acknowledged before is durable; null when there was nothing to do, which is always
   * so but in write-behind mode. `force` tries at once even after a failure.
   * @throws PersistError (`PERSIST_FAILED`) nothing is lost, and it is tried again
   * @throws WriteBehindLostError (`WRITE_BEHIND_LOST`) another writer was there
   */
  readonly persist = async (options: PersistOptions = {}): Promise<Persisted | null> => {
    this.#shared.nesting.check()
    const engine = await this.#shared.core.opened()
    return engine?.persist ? engine.persist(options) : null
  }

  /** The thresholds of write-behind, to be read and changed at run time; null in any other mode. */
  async writeBehind(): Promise<WriteBehindControl | null> {
    const { engine } = await this.#shared.core.ready()
    return engine.writeBehind ?? null
  }

  /** Waits for what is under way and closes the database. */
  readonly shutdown = (): Promise<void> => this.#shared.core.close()

  /** The same as `shutdown`. */
  override destroy(): Promise<void> {
    return this.shutdown()
  }

  override transaction(): TransactionBuilder<Schema> {
    return new GuardedTransactionBuilder(this.#props, this.#shared.nesting)
  }

  override connection(): ConnectionBuilder<Schema> {
    return new GuardedConnectionBuilder(this.#props, this.#shared.nesting)
  }

  override withPlugin(plugin: KyselyPlugin): Database<Schema> {
    return this.#like(super.withPlugin(plugin))
  }

  override withoutPlugins(): Database<Schema> {
    return this.#like(super.withoutPlugins())
  }

  override withSchema(schema: string): Database<Schema> {
    return this.#like(super.withSchema(schema))
  }

  #like(other: Kysely<Schema>): Database<Schema> {
    return new Database({ ...this.#props, executor: other.getExecutor() }, this.#shared)
  }
}

/** A transaction as Kysely knows it, whose statements all go to `connection`. */
export function transactionOver<Schema>(
  { config, dialect, driver, executor }: KyselyProps,
  connection: DatabaseConnection,
): Transaction<Schema> {
  return new Transaction({
    config,
    dialect,
    driver,
    executor: executor.withConnectionProvider(new SingleConnectionProvider(connection)),
  })
}

type TransactionProps = ConstructorParameters<typeof TransactionBuilder>[0]

/** Knows, while its function runs, that the outer database must not be used. */
class GuardedTransactionBuilder<Schema> extends TransactionBuilder<Schema> {
  readonly #props: TransactionProps
  readonly #nesting: Nesting

  constructor(props: TransactionProps, nesting: Nesting) {
    super(props)
    this.#props = props
    this.#nesting = nesting
  }

  override setAccessMode(
    accessMode: NonNullable<TransactionProps['accessMode']>,
  ): TransactionBuilder<Schema> {
    return new GuardedTransactionBuilder({ ...this.#props, accessMode }, this.#nesting)
  }

  override setIsolationLevel(
    isolationLevel: NonNullable<TransactionProps['isolationLevel']>,
  ): TransactionBuilder<Schema> {
    return new GuardedTransactionBuilder({ ...this.#props, isolationLevel }, this.#nesting)
  }

  override execute<T>(callback: (trx: Transaction<Schema>) => Promise<T>): Promise<T> {
    return super.execute((trx) => this.#nesting.inside('transaction', () => callback(trx)))
  }
}

class GuardedConnectionBuilder<Schema> extends ConnectionBuilder<Schema> {
  readonly #nesting: Nesting

  constructor(props: KyselyProps, nesting: Nesting) {
    super(props)
    this.#nesting = nesting
  }

  override execute<T>(
    callback: (db: Kysely<Schema>) => Promise<T>,
    ...options: [{ signal?: AbortSignal }?]
  ): Promise<T> {
    return super.execute((db) => this.#nesting.inside('connection', () => callback(db)), ...options)
  }
}

function checkKey(key: string): void {
  if (key === '')
    throw new KeyError("the key of an atomic call is empty, so it would be everybody's: leave it out")
  if (Buffer.byteLength(key) > MAX_KEY_BYTES)
    throw new KeyError(`the key of an atomic call is longer than ${MAX_KEY_BYTES} bytes`)
  if (key.includes('\0')) throw new KeyError('the key of an atomic call contains a NUL character')
}
