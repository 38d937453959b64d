import type { Environment } from './environment.ts'
import type { Gathered, Operation, Saw } from './history.ts'
import { classifyRefusal, Thrown } from './outcome.ts'
import type { Scheduler } from './scheduler.ts'

interface Told {
  readonly operation: Operation
  readonly outcome: Operation['outcome']
  readonly error: string | null
  readonly saw: Saw | null
  readonly bookmark: string | null
}

/**
 * One request under `invocation` durability. From its first write on, what its operations were told holds only if the
 * request ends well: until then their outcome is unknown, and what they saw proves nothing.
 */
export class Request {
  readonly #gathered: Gathered = { closed: Number.POSITIVE_INFINITY }
  readonly #scheduler: Pick<Scheduler, 'now' | 'tick' | 'note'>
  readonly #client: string
  readonly #told: Told[] = []

  constructor(scheduler: Pick<Scheduler, 'now' | 'tick' | 'note'>, client: string) {
    this.#scheduler = scheduler
    this.#client = client
  }

  /** Whether it may have written something. */
  get isOpen(): boolean {
    return this.#told.length > 0
  }

  /** Whether how that operation ended holds only with the whole request. */
  gathers({ id, kind }: Operation, outcome: Operation['outcome']): boolean {
    return this.isOpen || (outcome === 'acknowledged' && (id !== null || /vacuum/i.test(kind)))
  }

  add(operation: Operation, outcome: Operation['outcome'], error: string | null): void {
    const { saw, bookmark } = operation
    this.#told.push({ operation, outcome, error, saw, bookmark })
    operation.gathered = this.#gathered
    operation.outcome = outcome === 'acknowledged' ? 'unknown' : outcome
    operation.error = error
    operation.saw = null
    operation.bookmark = null
    this.#scheduler.note(`${this.#client} gathers ${operation.kind} ${operation.id ?? ''}: ${outcome}`)
  }

  /** Its function has ended: from now on it may be published. */
  closes(): void {
    this.#gathered.closed = this.#scheduler.tick()
  }

  /**
   * Runs it, and settles what was gathered by how it ends.
   * @param replaced whether the database may have been replaced under it
   * @returns the operations whose end is known now
   * @throws what may not come up
   */
  async end(
    around: () => Promise<void>,
    environment: Pick<Environment, 'dead'>,
    replaced: boolean,
  ): Promise<Operation[]> {
    let whole: Pick<Operation, 'outcome' | 'error'> = { outcome: 'acknowledged', error: null }
    try {
      await around()
    } catch (reason) {
      if (environment.dead) return []
      const told = classifyRefusal(reason, { replaced, madeUp: false })
      if (!told && !(reason instanceof Thrown)) throw reason
      whole = told ?? whole
    }
    if (environment.dead) return []
    const responded = this.#scheduler.tick()
    for (const { operation, outcome, error, saw, bookmark } of this.#told) {
      const holds = whole.outcome === 'acknowledged'
      operation.responded = responded
      operation.respondedAt = this.#scheduler.now
      operation.outcome = outcome === 'acknowledged' ? whole.outcome : outcome
      operation.error = outcome === 'acknowledged' ? whole.error : error
      operation.saw = holds ? saw : null
      operation.bookmark = holds ? bookmark : null
    }
    this.#scheduler.note(`${this.#client} ends its request: ${whole.outcome} ${whole.error ?? ''}`)
    return this.#told.map(({ operation }) => operation)
  }
}
