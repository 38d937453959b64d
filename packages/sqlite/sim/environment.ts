import { cpSync, mkdirSync } from 'node:fs'
import type { Clock, Freshness, NewDatabase, SqliteDatabase } from '../src/index.ts'
import type { Outage } from './plan.ts'
import type { Owner, Scheduler } from './scheduler.ts'

/** Ends what a dead environment still waits for, when it is cleared away. */
class ClearedAway extends Error {
  override readonly name = 'ClearedAway'
}

/**
 * One life of one process: its clock, its suspensions, its end. Whatever takes time in it goes through `suspended`,
 * so that it can be frozen and killed at each of these points.
 */
export class Environment implements Owner {
  readonly name: string
  /** Whether it serves clients, or only maintains the database or gives it back an old state. */
  readonly role: 'application' | 'maintenance' | 'operator'
  /** Where it keeps its copy: what a killed predecessor left there lies there still. */
  readonly directory: string
  readonly clock: Clock
  /** What it asks a new database to be like. */
  readonly newDatabase: NewDatabase
  db: SqliteDatabase | null = null
  dead = false
  /** How much it does that has to come to its end. */
  tasks = 0
  frozenUntil = 0
  /** When it was last thawed: true time, ms. */
  thawedAt = 0
  /** How far its clock was off since when, ms, the last one now. */
  readonly #clockErrors: { readonly since: number; readonly error: number }[]
  /** How new reads are that do not say. */
  readonly freshness: Freshness
  /** Whether what a request writes is gathered, and published when it ends. */
  readonly gathers: boolean
  /** What every request meets now, until a true time in ms. */
  outage: (Outage & { readonly until: number }) | null = null
  readonly #scheduler: Scheduler
  readonly #pending = new Set<() => void>()
  #clearedAway = false

  constructor(
    name: string,
    options: Pick<Environment, 'role' | 'directory' | 'newDatabase' | 'freshness' | 'gathers'> & {
      scheduler: Scheduler
      clockErrorMs: number
    },
  ) {
    const { scheduler, directory } = options
    this.name = name
    this.role = options.role
    this.newDatabase = options.newDatabase
    this.directory = directory
    this.#scheduler = scheduler
    this.freshness = options.freshness
    this.gathers = options.gathers
    this.#clockErrors = [{ since: 0, error: options.clockErrorMs }]
    this.clock = {
      now: () => Math.floor(scheduler.now + this.#clockError), // a wall clock has whole ms
      sleep: (ms) => this.pause(ms),
    }
    mkdirSync(directory, { recursive: true })
  }

  /** A promise that is settled by a happening; never, once this environment is dead. */
  suspended<T>(start: (resolve: (value: T) => void, reject: (error: unknown) => void) => void): Promise<T> {
    if (this.#clearedAway) return Promise.reject(new ClearedAway(this.name))
    return new Promise<T>((resolve, reject) => {
      const end = () => reject(new ClearedAway(this.name))
      this.#pending.add(end)
      start(
        (value) => {
          this.#pending.delete(end)
          resolve(value)
        },
        (error) => {
          this.#pending.delete(end)
          reject(error)
        },
      )
    })
  }

  /** Passes time. */
  pause(ms: number): Promise<void> {
    const paused = this.suspended<void>((resolve) => {
      this.#scheduler.after(Math.max(0, ms), this, `${this.name} goes on after ${Math.round(ms)} ms`, resolve)
    })
    return paused.catch((error) => {
      if (!(error instanceof ClearedAway)) throw error
    })
  }

  /** Stands still for so long. Afterwards its clock is right, or has missed `clockMissesMs` of it. */
  freeze(ms: number, clockMissesMs: number): void {
    this.frozenUntil = this.#scheduler.now + ms
    this.#scheduler.after(ms, null, `${this.name} is thawed, its clock ${clockMissesMs} ms late`, () => {
      this.thawedAt = this.#scheduler.now
      this.setClock(this.#clockError - clockMissesMs)
    })
  }

  /** @param error how far it is off from now on, ms */
  setClock(error: number): void {
    this.#clockErrors.push({ since: this.#scheduler.now, error })
  }

  get #clockError(): number {
    return this.#clockErrors.at(-1)?.error ?? 0
  }

  /** The earliest true time of which the clock could say now that it was at most `ms` ago. */
  earliestWithin(ms: number): number {
    const now = this.clock.now()
    const earliest = this.#clockErrors.flatMap(({ since, error }, index) => {
      const until = this.#clockErrors[index + 1]?.since ?? this.#scheduler.now
      const first = Math.max(since, now - ms - error)
      return first <= Math.min(until, now + 1 - error) ? [first] : []
    })
    return Math.min(this.#scheduler.now, ...earliest)
  }

  /** Ends without a word. What it left in its directory is copied to where the next life finds it, unlocked. */
  kill(nextDirectory: string): void {
    this.dead = true
    cpSync(this.directory, nextDirectory, { recursive: true })
  }

  /** After the simulation: lets what a dead one still waits for fail, so that its files and memory are given back. */
  async clearAway(): Promise<void> {
    this.#clearedAway = true
    for (const end of this.#pending) end()
    this.#pending.clear()
    await this.db?.close()
  }
}
