/** How an operation of a client ended. */
export type Outcome =
  /** Not at all: its environment was killed. */
  | 'pending'
  | 'acknowledged'
  /** An error that says that nothing was written. */
  | 'refused'
  | 'unknown'
  /** The error of its own function. */
  | 'thrown'

/** What an operation saw. */
export type Saw =
  /** A state. */
  | { readonly form: 'brief' | 'full'; readonly value: string }
  /** How many writes. */
  | { readonly form: 'count'; readonly value: number }
  /** How many writes, and a table with so many rows. */
  | {
      readonly form: 'rows'
      readonly value: { readonly writes: number; readonly table: string; readonly rows: number }
    }
  /** That there is no such table. */
  | { readonly form: 'absent'; readonly value: string }

/** How new a state a read wants that does not insist on the newest. */
export interface Weakness {
  /** As new as the state that gave this bookmark. */
  readonly bookmark: string | null
  /** As new as the bucket was at that time: true time, ms. */
  readonly since: number | null
}

/** What a request writes under `invocation` durability, to become one transaction when it ends: each has its own. */
export interface Gathered {
  /** When its function had ended, so that it could be published, in ticks; infinite when that never came. */
  closed: number
}

/** One operation of a client: what it asked for, when, and what it came to see. */
export interface Operation {
  readonly client: string
  readonly environment: string
  readonly kind: string
  /** Names its write, if it has one, in the table `ops`. */
  readonly id: string | null
  /** From when on what it sees has to be new: when its context was opened, or it was called. */
  readonly begun: number
  /** When it was called. */
  readonly called: number
  responded: number
  /** True time, ms. */
  respondedAt: number
  /** Null when it has to see the newest state, as every write has. */
  readonly weak: Weakness | null
  /** The tick at which its context was opened; null for none. */
  readonly context: number | null
  /** The bookmark that it was given: for what its context has seen so far, or all that its environment has. */
  bookmark: string | null
  /** Null when its end holds by itself. Else it is unknown until the request has ended. */
  gathered: Gathered | null
  outcome: Outcome
  /** Whether it may only see what is published; a transaction also sees those before it in its batch. */
  readonly published: boolean
  /** Null when its end did not vouch for it. */
  saw: Saw | null
  /** Of a write under a key. */
  readonly key: string | null
  /** What a write under a key returned. */
  result: string | null
  error: string | null
}

/** An operation that begins; as what nobody says more of: strong, in no context, with no key. */
export function begin(
  what: Pick<Operation, 'client' | 'environment' | 'kind' | 'id' | 'begun' | 'called'> & Partial<Operation>,
): Operation {
  return {
    key: null,
    published: false,
    responded: Number.POSITIVE_INFINITY,
    respondedAt: Number.POSITIVE_INFINITY,
    weak: null,
    context: null,
    bookmark: null,
    gathered: null,
    outcome: 'pending',
    saw: null,
    result: null,
    error: null,
    ...what,
  }
}

/** The simulated world did what it must never do. */
export class Violation extends Error {
  override readonly name = 'Violation'
}
