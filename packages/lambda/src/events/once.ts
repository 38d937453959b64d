/** A database as far as `once` needs it; those of `@thaw/db` are. */
export interface Atomic<Tx> {
  /** Runs `fn` in a transaction, or does nothing where one with this key was done before. */
  atomic<T>(fn: (tx: Tx) => T | Promise<T>, options: { readonly key: string }): Promise<T>
}

/**
 * Makes of `fn` a handler that takes effect once for each message or event, however often it is delivered: what `fn`
 * does with `tx` and the fact that it did are one transaction. Anything else that `fn` does may be done again.
 */
export function once<Event extends { readonly key: string }, Tx>(
  database: Atomic<Tx>,
  fn: (event: Event, tx: Tx) => unknown,
): (event: Event) => Promise<void> {
  return async (event) => {
    await database.atomic(
      async (tx) => {
        await fn(event, tx)
        return null
      },
      { key: event.key },
    )
  }
}
