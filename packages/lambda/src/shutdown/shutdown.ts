import { describeError } from '../log.ts'
import type { Participant } from '../participant.ts'
import { registerExtension } from './extension.ts'

/** Lambda sends SIGKILL 500 ms after SIGTERM. */
const graceMs = 400

type Shutdown = () => Promise<void>

/** What is to be ended before this process does. One for all handlers: a process ends once. */
const shutdowns = new Map<Participant, Shutdown>()
let isWatching = false

/**
 * Has the `shutdown` of the participants called before Lambda ends the environment. Does nothing outside of Lambda,
 * where signals are the developer's. Call while the function initialises.
 */
export function shutDownWithEnvironment(participants: readonly Participant[]): void {
  const api = process.env.AWS_LAMBDA_RUNTIME_API
  for (const participant of participants) {
    if (participant.shutdown) shutdowns.set(participant, () => participant.shutdown!())
  }
  if (shutdowns.size === 0 || isWatching || !api) return
  isWatching = true
  process.once('SIGTERM', end)
  registerExtension(api).then(({ refusal }) => {
    // A runtime interface without extensions, as local tools have it, sends no SIGTERM either.
    if (refusal && refusal !== 'status 404') {
      tell('WARN', `Without an extension nothing is shut down before the environment ends: ${refusal}`)
    }
  })
}

/** Ends as the signal would have ended the process. Where there are other handlers, ending is left to them. */
async function end(signal: NodeJS.Signals): Promise<void> {
  await shutDown([...shutdowns.values()])
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
}

async function shutDown(all: readonly Shutdown[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), graceMs)
  })
  const outcomes = await Promise.race([Promise.allSettled(all.map(async (shutdown) => shutdown())), late])
  clearTimeout(timer)
  if (outcomes === 'late') return tell('ERROR', `Shutting down was not done within ${graceMs} ms.`)
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
