import { AsyncLocalStorage } from 'node:async_hooks'
import { Attempt } from './attempt.ts'
import type { Engine } from './engines/engine.ts'
import { ClosedError } from './errors.ts'
import type { Preparation } from './migrate/prepare.ts'

interface Ready {
  readonly engine: Engine
  readonly preparation: Preparation
}

/** The life of one database: opening, preparing, closing. */
export class Core {
  readonly description: string
  readonly #engine: Attempt<Engine>
  #opened: Engine | null = null
  readonly #ready: Attempt<Ready>
  #closing: Promise<void> | null = null

  constructor(
    description: string,
    open: () => Promise<Engine>,
    prepare: (engine: Engine) => Promise<Preparation>,
  ) {
    this.description = description
    this.#engine = new Attempt(async () => {
      this.#opened = await open()
      return this.#opened
    })
    // What is prepared is everybody's: it must not become part of the invocation that happens to need it first.
    const outside = AsyncLocalStorage.snapshot()
    this.#ready = new Attempt(() =>
      outside(async () => {
        const engine = await this.#engine.get()
        return { engine, preparation: await prepare(engine) }
      }),
    )
  }

  /** Begins to open and prepare; what goes wrong is told at the first use. */
  start(): void {
    this.#ready.start()
  }

  /** The engine, open and prepared. A failure is reported once; the next call tries again. */
  async ready(): Promise<Ready> {
    if (this.#closing) throw new ClosedError(this.description)
    return this.#ready.get()
  }

  /** The open engine, prepared or not; null when it could not be opened, which the first use reports. */
  async opened(): Promise<Engine | null> {
    return this.#closing ? null : this.#engine.settled()
  }

  /** The engine if it is open by now. */
  get engine(): Engine | null {
    return this.#closing ? null : this.#opened
  }

  /** Waits for what is under way and closes. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#ready.settled()
      const engine = await this.#engine.settled()
      await engine?.close()
    })().catch((error: unknown) => {
      this.#closing = null // what could not be persisted is still there, to be closed again
      throw error
    })
    return this.#closing
  }
}
