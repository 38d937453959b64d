import { AsyncLocalStorage } from 'node:async_hooks'
import { NestedUseError } from './errors.ts'

/** Knows, however deep in asynchronous calls, whether the caller is inside an open transaction of this database. */
export class Nesting {
  readonly #current = new AsyncLocalStorage<{ readonly what: string; open: boolean }>()

  /** Runs `fn` so that `check` throws inside, until it has ended. */
  inside<T>(what: string, fn: () => Promise<T>): Promise<T> {
    const frame = { what, open: true }
    return this.#current.run(frame, async () => {
      try {
        return await fn()
      } finally {
        frame.open = false
      }
    })
  }

  /** @throws NestedUseError */
  check(): void {
    const frame = this.#current.getStore()
    if (frame?.open) throw new NestedUseError(frame.what)
  }
}
