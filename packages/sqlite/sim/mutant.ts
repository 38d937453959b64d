/** A bug as somebody might write it: one text of a source file replaced by another. */
export interface Mutant {
  readonly name: string
  /** Below `src`. */
  readonly file: string
  /** Occurs there once. */
  readonly from: string
  readonly to: string
  /** A test below `src` that finds it, where the simulation cannot. */
  readonly test?: string
}
