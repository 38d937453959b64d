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

/** One operation of a client: what it asked for, when, and what it came to see. */
export interface Operation {
  readonly client: string
  readonly kind: string
  /** Names its write, if it has one, in the table `ops`. */
  readonly id: string | null
  /** From when on what it sees has to be new: when its context was opened, or it was called. */
  readonly begun: number
  responded: number
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

/** The simulated world did what it must never do. */
export class Violation extends Error {
  override readonly name = 'Violation'
}
