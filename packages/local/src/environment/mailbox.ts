/** What happens to one reader, in order, one at a time: nothing is lost while it does something else. */
export class Mailbox<T> {
  readonly #items: T[] = []
  #waiting: ((item: T) => void) | null = null

  put(item: T): void {
    const waiting = this.#waiting
    this.#waiting = null
    if (waiting === null) this.#items.push(item)
    else waiting(item)
  }

  /**
   * The next item; null when there is none until `deadline`, by the monotonic clock. One reader at a time.
   */
  async next(deadline: number): Promise<T | null> {
    const first = this.#items.shift()
    if (first !== undefined) return first
    let timer: NodeJS.Timeout | undefined
    const item = await new Promise<T | null>((resolve) => {
      this.#waiting = resolve
      const ms = Math.max(0, deadline - performance.now())
      // What a timer cannot wait for is for ever: 24 days.
      if (ms > 2 ** 31 - 1) return
      timer = setTimeout(() => {
        this.#waiting = null
        resolve(null)
      }, ms)
    })
    clearTimeout(timer)
    return item
  }
}
