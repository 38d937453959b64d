import { type Reader, type SqliteDatabase, SqliteStoreError, type Transaction } from '../src/index.ts'
import { drawFreshness, drawWrite, isMadeUp } from './draws.ts'
import { type Operation, Violation } from './history.ts'
import { countRows, OBSERVE, observe, tablesIn, write } from './model.ts'
import { Thrown } from './outcome.ts'
import { type ClientOptions, Recorder } from './recorder.ts'
import { Request } from './request.ts'

const PAUSE_MS = 60
const LONG_READ_MS = 3_000

/** One client of an environment: operations at random, one after the other, each recorded with what it saw. */
export class Client {
  readonly #options: ClientOptions
  readonly #recorder: Recorder
  #count = 0
  /** Those that it saw last of the tables that writes have made. */
  #tables: readonly string[] = []

  constructor(options: ClientOptions) {
    this.#options = options
    this.#recorder = new Recorder(options)
  }

  async work(db: SqliteDatabase): Promise<void> {
    const { plan, random, environment } = this.#options
    for (let i = 0; i < plan.operations && !environment.dead; i++) {
      await this.#pause()
      if (random.chance(plan.rest[0])) await environment.pause(random.integer(0, plan.rest[1]))
      if (random.chance(environment.gathers ? 0.4 : 0.12)) await this.#inContext(db)
      else await this.#any(db)
    }
  }

  /** A strong read of everything, and whether the copy is whole. */
  async verify(db: SqliteDatabase): Promise<void> {
    await this.#recorder.record({ kind: 'last read', published: true }, async (operation) => {
      await db.read((reader) => {
        operation.saw = { form: 'full', value: observe(reader) }
        const rows = reader.execute('PRAGMA integrity_check').rows
        const [first] = Object.values(rows[0] ?? {})
        if (first !== 'ok') throw new Violation(`the copy of ${this.#options.name} is damaged: ${first}`)
      })
    })
  }

  async #inContext(db: SqliteDatabase): Promise<void> {
    const { environment, random, scheduler, name, plan } = this.#options
    const deadline = environment.clock.now() + random.integer(200, 60_000)
    const begun = scheduler.tick()
    const asked = random.chance(0.5)
      ? drawFreshness(this.#options.random, this.#options.bookmarks)
      : undefined
    const request = environment.gathers ? new Request(scheduler, name) : null
    const work = async () => {
      this.#recorder.context = { begun, freshness: asked ?? environment.freshness, request }
      for (let i = random.integer(1, request ? 6 : 3); i > 0 && !environment.dead; i--) {
        await this.#any(db)
        if (random.chance(0.5)) await this.#bookmark(db)
        await this.#pause()
      }
      if (!request) return
      request.closes()
      if (random.chance(0.1)) throw new Thrown('') // what was written is published all the same
    }
    const around = () => db.around({ requestId: `${name}-${begun}`, deadline }, work, { freshness: asked })
    if (!request) await around()
    else {
      const ended = await request.end(around, environment, plan.scenario === 'wipe')
      for (const operation of ended) {
        this.#giveAway(operation)
        this.#options.onEnd?.(operation)
      }
    }
    this.#recorder.context = null
  }

  async #bookmark(db: SqliteDatabase): Promise<void> {
    await this.#recorder.record({ kind: 'bookmark' }, async (operation) => {
      const { bookmark } = db
      if (isMadeUp(bookmark)) return // of a context in which nothing was seen: the one that it came with
      operation.bookmark = bookmark
      if (!this.#recorder.context?.request?.isOpen) this.#giveAway(operation)
    })
  }

  #giveAway({ bookmark }: Operation): void {
    if (bookmark !== null) this.#options.bookmarks.push(bookmark)
  }

  #any(db: SqliteDatabase): Promise<void> {
    const draw = this.#options.random.next()
    if (this.#options.random.chance(0.08)) return this.#bookmark(db)
    if (draw < 0.3) return this.#write(db)
    if (draw < 0.38) return this.#single(db)
    if (draw < 0.5) return this.#keyed(db)
    if (draw < 0.58) return this.#throw(db)
    if (draw < 0.66) return this.#look(db)
    if (draw < 0.76) return this.#read(db)
    if (draw < 0.81) return this.#readTable(db)
    if (draw < 0.9) return this.#readSeveral(db)
    if (draw < 0.91) return this.#vacuum(db)
    return this.#interactive(db)
  }

  /** `atomic` that writes. */
  async #write(db: SqliteDatabase): Promise<void> {
    const [kind, arg] = drawWrite(this.#options.random, this.#options.plan.huge)
    const id = this.#id()
    let leaked: Transaction | null = null
    await this.#recorder.record({ kind: `atomic ${kind}`, id }, async (operation) => {
      await db.atomic(async (tx) => {
        leaked = tx
        const saw = await this.#observe(tx)
        write(tx, id, kind, arg)
        await this.#sometimes()
        operation.saw = { form: 'full', value: saw }
      })
    })
    if (leaked !== null && this.#options.random.chance(0.1)) this.#refusesLeaked(leaked)
  }

  /** One statement, a transaction of its own. */
  async #single(db: SqliteDatabase): Promise<void> {
    const id = this.#id()
    const sql = "INSERT INTO ops (id, kind, arg) VALUES (?, 'put', '') RETURNING seq"
    await this.#recorder.record({ kind: 'insert', id }, async (operation) => {
      const { rows } = await db.execute(sql, [id])
      operation.saw = { form: 'count', value: Number(rows[0]?.seq) - 1 }
    })
  }

  /** `atomic` under a key that others use too, repeated until it is known what became of it. */
  async #keyed(db: SqliteDatabase): Promise<void> {
    const { random, environment, plan } = this.#options
    const key = `key ${random.integer(1, plan.keys)}`
    for (let tries = random.integer(1, 3); tries > 0 && !environment.dead; tries--) {
      const id = this.#id()
      const done = await this.#recorder.record({ kind: key, id, key }, async (operation) => {
        operation.result = await db.atomic(
          async (tx) => {
            const saw = await this.#observe(tx)
            write(tx, id, 'put', '')
            await this.#sometimes()
            operation.saw = { form: 'full', value: saw }
            return id
          },
          { key },
        )
      })
      if (done && random.chance(0.7)) return
      await this.#pause()
    }
  }

  /** `atomic` whose function throws, after it may have written. */
  async #throw(db: SqliteDatabase): Promise<void> {
    const { random, plan } = this.#options
    const id = this.#id()
    const key = random.chance(0.3) ? { key: `key ${random.integer(1, plan.keys)}` } : {}
    await this.#recorder.record({ kind: 'throw', id, ...key }, async (operation) => {
      operation.result = await db.atomic(async (tx) => {
        const saw = await this.#observe(tx)
        if (random.chance(0.7)) write(tx, id, 'table', '')
        await this.#sometimes()
        throw new Thrown(saw)
      }, key)
    })
  }

  /** `atomic` that only looks. */
  async #look(db: SqliteDatabase): Promise<void> {
    await this.#recorder.record({ kind: 'look' }, async (operation) => {
      const value = await db.atomic(async (tx) => {
        await this.#sometimes()
        return this.#observe(tx)
      })
      operation.saw = { form: 'full', value }
    })
  }

  async #read(db: SqliteDatabase): Promise<void> {
    await this.#recorder.record({ kind: 'read', published: true }, async (operation) => {
      const { rows } = await db.execute(OBSERVE)
      operation.saw = { form: 'brief', value: String(rows[0]?.state) }
    })
  }

  /** A table that comes and goes, by a statement that is prepared only once. */
  async #readTable(db: SqliteDatabase): Promise<void> {
    const { random, plan } = this.#options
    // Two histories cannot be told apart by so little.
    if (this.#tables.length === 0 || plan.scenario === 'wipe') return this.#read(db)
    const table = random.pick(this.#tables)
    await this.#recorder.record({ kind: `read ${table}`, published: true }, async (operation) => {
      try {
        const [row] = (await db.execute(countRows(table))).rows
        operation.saw = { form: 'rows', value: { writes: Number(row?.seq), table, rows: Number(row?.n) } }
      } catch (error) {
        if (!(error instanceof Error) || error.message !== `no such table: ${table}`) throw error
        operation.saw = { form: 'absent', value: table }
      }
    })
  }

  async #vacuum(db: SqliteDatabase): Promise<void> {
    const sql = this.#options.random.pick(['VACUUM', 'PRAGMA incremental_vacuum'])
    await this.#recorder.record({ kind: sql }, async () => {
      await db.execute(sql)
    })
  }

  async #readSeveral(db: SqliteDatabase): Promise<void> {
    const freshness = this.#options.random.chance(0.4)
      ? drawFreshness(this.#options.random, this.#options.bookmarks)
      : undefined
    await this.#recorder.record({ kind: 'read several', published: true, freshness }, async (operation) => {
      const look = async (reader: Reader) => {
        const value = await this.#observe(reader)
        const { random, environment } = this.#options
        if (random.chance(0.2)) await environment.pause(random.integer(0, LONG_READ_MS))
        if (observe(reader) !== value)
          throw new Violation(`${this.#options.name}: a snapshot changed under a read`)
        operation.saw = { form: 'full', value }
      }
      await db.read(look, freshness === undefined ? {} : { freshness })
    })
  }

  async #interactive(db: SqliteDatabase): Promise<void> {
    const { random } = this.#options
    const [kind, arg] = drawWrite(this.#options.random, this.#options.plan.huge)
    const id = this.#id()
    const commits = random.chance(0.75)
    await this.#recorder.record(
      { kind: commits ? 'begin, commit' : 'begin, rollback', id },
      async (operation) => {
        const tx = await db.begin()
        const value = await this.#observe(tx)
        await this.#sometimes()
        write(tx, id, kind, arg)
        await this.#sometimes()
        if (commits) await tx.commit()
        else await tx.rollback()
        operation.saw = { form: 'full', value }
        if (!commits) throw new Thrown('')
      },
    )
  }

  async #observe(reader: Reader): Promise<string> {
    const value = observe(reader)
    this.#tables = [...tablesIn(value).keys()]
    await this.#sometimes()
    return value
  }

  #refusesLeaked(tx: Transaction): void {
    try {
      tx.execute('SELECT 1')
    } catch (error) {
      if (error instanceof SqliteStoreError && error.code === 'HANDLE_CLOSED') return
      throw error
    }
    throw new Violation(`${this.#options.name}: the handle of a transaction outlived it`)
  }

  #id(): string {
    return `${this.#options.name}-${++this.#count}`
  }

  async #sometimes(): Promise<void> {
    if (this.#options.random.chance(0.25)) await this.#pause()
  }

  #pause(): Promise<void> {
    return this.#options.environment.pause(this.#options.random.integer(0, PAUSE_MS))
  }
}
