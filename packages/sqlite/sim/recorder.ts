import type { SeededRandom } from '@thaw/testing'
import type { Freshness } from '../src/index.ts'
import { isMadeUp } from './draws.ts'
import type { Environment } from './environment.ts'
import { begin, type Operation, Violation, type Weakness } from './history.ts'
import { classify } from './outcome.ts'
import type { Plan } from './plan.ts'
import type { Request } from './request.ts'
import type { Scheduler } from './scheduler.ts'

export interface ClientOptions {
  readonly name: string
  readonly environment: Pick<
    Environment,
    'name' | 'dead' | 'freshness' | 'gathers' | 'clock' | 'pause' | 'earliestWithin'
  >
  readonly plan: Pick<Plan, 'operations' | 'rest' | 'scenario' | 'huge' | 'keys'>
  readonly random: SeededRandom
  readonly scheduler: Pick<Scheduler, 'now' | 'tick' | 'note'>
  /** Gets every operation as it begins. */
  readonly operations: Pick<Operation[], 'push'>
  /** Called with every operation that has ended. */
  readonly onEnd?: (operation: Operation) => void
  /** Those that clients were given, shared by all. */
  readonly bookmarks: string[]
}

/** What belongs to one request of a client. */
export interface Context {
  /** Its tick. */
  readonly begun: number
  readonly freshness: Freshness
  /** Null where each transaction is published by itself. */
  readonly request: Request | null
}

/** What an operation is, and what it asks for. */
interface Asked {
  readonly kind: string
  readonly id?: string
  readonly key?: string
  /** Whether it may only see what is published. */
  readonly published?: boolean
  /** That of the context or the environment when absent. */
  readonly freshness?: Freshness | undefined
}

/** Records the operations of one client: what each asked for, when, how it ended and what it saw. */
export class Recorder {
  /** The context in which the client works now. */
  context: Context | null = null
  readonly #options: ClientOptions

  constructor(options: ClientOptions) {
    this.#options = options
  }

  /** Runs and records one operation. True when it was acknowledged. */
  async record(what: Asked, run: (operation: Operation) => Promise<void>): Promise<boolean> {
    const { scheduler, environment, operations, name } = this.#options
    const { kind, id = null, key = null, published = false } = what
    const freshness = what.freshness ?? this.context?.freshness ?? environment.freshness
    const madeUp = freshness !== 'strong' && isMadeUp(freshness.bookmark ?? null)
    const called = scheduler.tick()
    const operation = begin({
      client: name,
      environment: environment.name,
      kind,
      id,
      key,
      published: published && !this.context?.request?.isOpen,
      begun: this.context?.begun ?? called,
      called,
      weak: published ? this.#weakness(freshness) : null,
      context: this.context?.begun ?? null,
    })
    operations.push(operation)
    scheduler.note(`${name} begins ${kind} ${id ?? ''}`)
    let outcome: Operation['outcome'] = 'acknowledged'
    let error: string | null = null
    try {
      await run(operation)
    } catch (reason) {
      if (environment.dead) return false
      ;({ outcome, error } = classify(reason, operation, {
        replaced: this.#options.plan.scenario === 'wipe',
        madeUp,
      }))
    }
    if (environment.dead) return false
    const answered = outcome === 'acknowledged' || outcome === 'thrown'
    if (what.published && answered && madeUp)
      throw new Violation(`${name} was answered by ${kind} though its bookmark was made up`)
    const request = this.context?.request
    if (request?.gathers(operation, outcome)) {
      request.add(operation, outcome, error)
      return outcome === 'acknowledged'
    }
    operation.responded = scheduler.tick()
    operation.respondedAt = scheduler.now
    operation.outcome = outcome
    operation.error = error
    scheduler.note(
      `${name} ends ${kind} ${id ?? ''}: ${outcome} ${error ?? ''} ${JSON.stringify(operation.saw)}`,
    )
    this.#options.onEnd?.(operation)
    return outcome === 'acknowledged'
  }

  #weakness(freshness: Freshness): Weakness | null {
    if (freshness === 'strong') return null
    const { bookmark = null, withinMs } = freshness
    const since = withinMs === undefined ? null : this.#options.environment.earliestWithin(withinMs)
    return { bookmark, since }
  }
}
