/**
 * Something that is done once, ahead of its use. A failure is kept for the first who asks, so that it is neither
 * lost nor unhandled; whoever asks after that makes it happen anew.
 */
export class Attempt<T> {
  readonly #make: () => Promise<T>
  #current: Promise<T> | null = null

  constructor(make: () => Promise<T>) {
    this.#make = make
  }

  /** Begins, unless that has been done. Does not throw. */
  start(): void {
    this.#begun().catch(() => {
      // Kept for `get`.
    })
  }

  get(): Promise<T> {
    const current = this.#begun()
    current.catch(() => {
      if (this.#current === current) this.#current = null
    })
    return current
  }

  /** What has come of it, without asking for more: null when nothing was begun, or it failed. */
  async settled(): Promise<T | null> {
    try {
      return await this.#current
    } catch {
      return null
    }
  }

  #begun(): Promise<T> {
    this.#current ??= this.#make()
    return this.#current
  }
}
