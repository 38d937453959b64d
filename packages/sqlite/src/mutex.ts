/** Runs functions one after the other, in the order in which they came. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(fn: () => Promise<T>): Promise<T> {
    const result = this.#last.then(fn, fn)
    this.#last = result.catch(() => undefined)
    return result
  }
}
