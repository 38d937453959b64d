import type pg from 'pg'
import { ConnectionLostError } from '../../errors.ts'
import { dial } from './dial.ts'
import { isFatal } from './failures.ts'
import type { PostgresSettings } from './settings.ts'
import type { Time } from './time.ts'

/** After a gap longer than this the environment may have been frozen, and the connection may be dead. */
const IDLE_CHECK_MS = 1_000
const CHECK_TIMEOUT_MS = 2_000
/** How much longer than the server a client waits before it takes the connection for dead. */
const GRACE_MS = 5_000

/** The one connection of this process to a server: made when it is needed, checked after a pause, replaced when dead. */
export class Link {
  readonly settings: PostgresSettings
  readonly #time: Time
  #client: pg.Client | null = null
  #usedAt = 0

  constructor(settings: PostgresSettings, time: Time) {
    this.settings = settings
    this.#time = time
  }

  /**
   * Sees to it that there is a live connection.
   * @param until when to give up, ms since the epoch
   * @throws ConnectError
   */
  async ready(until: number): Promise<void> {
    const gap = this.#time.now() - this.#usedAt
    if (this.#client && (gap < 0 || gap > IDLE_CHECK_MS)) await this.#check(this.#client)
    if (this.#client) return
    const client = await dial(this.settings, until, this.#time)
    const gone = () => this.#forget(client)
    client.on('error', gone)
    client.on('end', gone)
    this.#client = client
    this.#usedAt = this.#time.now()
  }

  /**
   * Sends one statement, once.
   * @param unbounded without a limit of time on this side
   * @throws ConnectionLostError when no answer came, and whatever the server answers
   */
  async query(sql: string, parameters: unknown[] = [], unbounded = false): Promise<pg.QueryResult> {
    const client = this.#client
    if (!client) throw new ConnectionLostError(this.settings.description, undefined)
    const { statementTimeoutMs } = this.settings
    const guard =
      unbounded || statementTimeoutMs === 0
        ? undefined
        : setTimeout(() => this.discard(), statementTimeoutMs + GRACE_MS)
    try {
      const result: pg.QueryResult | pg.QueryResult[] = await client.query({ text: sql, values: parameters })
      // Several statements in one text have a result each; the last one counts.
      return Array.isArray(result) ? result[result.length - 1] : result
    } catch (error) {
      if (isFatal(error)) this.discard()
      if (this.#client === client) throw error
      throw new ConnectionLostError(this.settings.description, error)
    } finally {
      clearTimeout(guard)
      this.#usedAt = this.#time.now()
    }
  }

  get alive(): boolean {
    return this.#client !== null
  }

  /** Breaks the connection off; what is under way on it fails. */
  discard(): void {
    const client = this.#client
    if (!client) return
    this.#forget(client)
    // The connection is given up: how its end goes changes nothing.
    client.end().catch(() => {})
  }

  async close(): Promise<void> {
    const client = this.#client
    this.#client = null
    await client?.end()
  }

  async #check(client: pg.Client): Promise<void> {
    const guard = setTimeout(() => this.discard(), CHECK_TIMEOUT_MS)
    try {
      await client.query('select 1')
    } catch {
      // A dead connection is what this looks for: it is replaced.
      this.discard()
    } finally {
      clearTimeout(guard)
    }
  }

  #forget(client: pg.Client): void {
    if (this.#client === client) this.#client = null
  }
}
