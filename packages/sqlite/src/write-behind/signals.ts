/** What can be persisted: a database of this package, or of `@thaw/db`. */
export interface Persistable {
  persist(options: { readonly force: true }): Promise<unknown>
}

export interface SignalOptions {
  /** `SIGTERM` and `SIGINT` when absent. */
  readonly signals?: readonly NodeJS.Signals[]
  /** How long persisting may take before the process ends all the same, ms; 5,000 when absent. */
  readonly timeoutMs?: number
}

/**
 * Persists before one of the signals ends the process: what has gathered is published, then the process ends as the
 * signal would have ended it. Other handlers of the signal run as before, and where there are any, ending is left to
 * them; they can tell by this one being there that it is not done. A second signal does not wait.
 *
 * On Lambda SIGTERM comes only where an extension is registered, and leaves 500 ms or less. `serve` of `@thaw/lambda` sees
 * to both for the databases that take part in its requests, so that they do not need this; it does no harm there.
 *
 * @returns takes the handlers away again
 */
export function persistOnSignals(databases: readonly Persistable[], options: SignalOptions = {}): () => void {
  const { signals = ['SIGTERM', 'SIGINT'], timeoutMs = 5_000 } = options
  let isEnding = false
  const remove = () => {
    for (const signal of signals) process.off(signal, handle)
  }
  const handle = async (signal: NodeJS.Signals) => {
    if (!isEnding) {
      isEnding = true
      await persistAll(databases, timeoutMs)
    }
    remove()
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
  }
  for (const signal of signals) process.on(signal, handle)
  return remove
}

async function persistAll(databases: readonly Persistable[], timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('timeout'), timeoutMs) // also keeps the process alive meanwhile
  })
  const persisted = Promise.allSettled(databases.map((database) => database.persist({ force: true })))
  const outcomes = await Promise.race([persisted, timeout])
  clearTimeout(timer)
  if (outcomes === 'timeout') tell(`what was acknowledged could not be persisted within ${timeoutMs} ms`)
  else
    for (const outcome of outcomes as PromiseSettledResult<unknown>[]) {
      if (outcome.status === 'rejected') tell(String(outcome.reason))
    }
}

/** Not as a warning: the process would end before it is shown. */
function tell(message: string): void {
  process.stderr.write(`(thaw) before the process ends: ${message}\n`)
}
