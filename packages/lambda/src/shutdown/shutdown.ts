import { describeError } from '../log.ts'
import type { Participant } from '../participant.ts'
import { registerExtension } from './extension.ts'

/** Lambda sends SIGKILL 500 ms after SIGTERM, to a Web Function 1 s. */
const graceMs = () => (process.env.AWS_LAMBDA_HTTP_ENDPOINT ? 900 : 400)

type Shutdown = () => Promise<void>

/** What is to be ended before this process does. One for all handlers: a process ends once. */
const shutdowns = new Map<Participant, Shutdown>()
/** What ends before them: who still gives them work. */
const first = new Set<Shutdown>()
let isWatching = false
let isEnding = false
let registered = Promise.resolve()

/**
 * Resolves when everything is settled that handlers have begun while they were made: that SIGTERM comes before the environment
 * ends. Await it at the top level of a function's module, below its handler, if something is to be shut down: Lambda refuses
 * what is asked for after its runtime has asked for the first event, which it does as soon as the module is loaded. Functions
 * that `thaw build` has packaged do so.
 */
export function initialised(): Promise<void> {
  return registered
}

/** Has `shutdown` called, and waits for it, but no longer than half the time, before the participants are shut down. */
export function shutDownFirst(shutdown: Shutdown): void {
  first.add(shutdown)
  watch()
}

/**
 * Has the `shutdown` of the participants called before Lambda ends the environment. Does nothing outside of Lambda,
 * where signals are the developer's. Call while the function initialises.
 */
export function shutDownWithEnvironment(participants: readonly Participant[]): void {
  for (const participant of participants) {
    if (participant.shutdown) shutdowns.set(participant, () => participant.shutdown!())
  }
  if (shutdowns.size > 0) watch()
}

function watch(): void {
  const { AWS_LAMBDA_RUNTIME_API: api, AWS_LAMBDA_HTTP_ENDPOINT: endpoint } = process.env
  if (isWatching || !(api || endpoint)) return
  isWatching = true
  process.on('SIGTERM', end)
  // A Web Function gets SIGTERM anyway.
  if (!api || endpoint) return
  registered = registerExtension(api).then(({ refusal }) => {
    // A runtime interface without extensions, as local tools have it, sends no SIGTERM either.
    if (refusal && refusal !== 'status 404') {
      tell('WARN', `Nothing is shut down before the environment ends, for lack of an extension: ${refusal}`)
    }
  })
}

/**
 * Ends as the signal would have ended the process. Where there are other handlers, ending is left to them; they can tell
 * by this one being there that it is not done. A second signal does not wait.
 */
async function end(signal: NodeJS.Signals): Promise<void> {
  if (!isEnding) {
    isEnding = true
    await shutDown()
  }
  process.off(signal, end)
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
}

async function shutDown(): Promise<void> {
  const late = after(graceMs())
  await Promise.race([endAll(first), after(graceMs() / 2)])
  if ((await Promise.race([endAll(shutdowns.values()), late])) === 'late') {
    tell('ERROR', `Shutting down was not done within ${graceMs()} ms.`)
  }
}

function after(ms: number): Promise<'late'> {
  return new Promise((resolve) => setTimeout(() => resolve('late'), ms))
}

async function endAll(all: Iterable<Shutdown>): Promise<void> {
  const outcomes = await Promise.allSettled(Array.from(all, async (shutdown) => shutdown()))
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') tell('ERROR', 'Shutting down failed.', outcome.reason)
  }
}

/** Written at once: the process may end before a stream would be flushed. */
function tell(level: 'WARN' | 'ERROR', message: string, error?: unknown): void {
  const record = {
    level,
    time: new Date().toISOString(),
    message,
    ...(error !== undefined && { error: describeError(error) }),
  }
  process.stderr.write(`${JSON.stringify(record)}\n`)
}
