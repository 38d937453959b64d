import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

export interface Child<Ready> {
  /** What the child told when it was ready. */
  readonly ready: Ready
  readonly pid: number
  /** Asks the child for something; rejects when it fails there. */
  ask<Answer>(question: unknown): Promise<Answer>
  /** Ends the child and waits until it is gone. */
  close(): Promise<void>
}

type Message =
  | { readonly ready: unknown }
  | { readonly failed: string }
  | { readonly answer: number; readonly value?: unknown; readonly error?: string }

/**
 * Runs a module of ours in a process of its own, which ends itself when this one is gone, however it went.
 * Rejects when the child fails to start.
 */
export async function startChild<Ready>(module: URL, options: unknown): Promise<Child<Ready>> {
  const child = fork(module, [JSON.stringify(options)], { execArgv: [], serialization: 'advanced' })
  child.unref()
  child.channel?.unref()
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  const start = Promise.withResolvers<unknown>()
  let asked = 0

  child.on('message', (message: Message) => {
    if ('ready' in message) start.resolve(message.ready)
    else if ('failed' in message) start.reject(new Error(`${module.pathname}: ${message.failed}`))
    else {
      const one = waiting.get(message.answer)
      waiting.delete(message.answer)
      if (message.error === undefined) one?.resolve(message.value)
      else one?.reject(new Error(message.error))
    }
  })
  child.on('exit', (code, signal) => {
    const error = new Error(`${module.pathname} has ended (${signal ?? `code ${code}`})`)
    start.reject(error)
    for (const one of waiting.values()) one.reject(error)
    waiting.clear()
  })

  child.channel?.ref()
  const ready = (await start.promise.finally(() => child.channel?.unref())) as Ready
  return {
    ready,
    pid: child.pid ?? 0,
    ask<Answer>(question: unknown) {
      const one = Promise.withResolvers<unknown>()
      const number = ++asked
      waiting.set(number, one)
      child.channel?.ref()
      child.send({ number, question })
      return one.promise.finally(() => {
        if (waiting.size === 0) child.channel?.unref()
      }) as Promise<Answer>
    },
    close: () => end(child),
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.ref()
  const gone = once(child, 'exit')
  if (child.connected) child.disconnect()
  await gone
}

export interface ChildWork<Ready> {
  readonly ready: Ready
  answer?(question: unknown): Promise<unknown>
  close(): Promise<void>
}

/**
 * The other side of `startChild`: call it once, at the top of the module. It ends when the parent lets go
 * of it or dies, and not before: an interrupt from the terminal reaches the parent as well.
 */
export async function runChild<Options, Ready>(
  start: (options: Options) => Promise<ChildWork<Ready>>,
): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  const abandoned = once(process, 'disconnect')
  try {
    const work = await start(JSON.parse(process.argv[2] ?? 'null') as Options)
    process.on('message', async ({ number, question }: { number: number; question: unknown }) => {
      try {
        tell({ answer: number, value: await work.answer?.(question) })
      } catch (error) {
        tell({ answer: number, error: String(error) })
      }
    })
    tell({ ready: work.ready })
    await abandoned
    await work.close()
    process.exit(0)
  } catch (error) {
    tell({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    process.exitCode = 1
    if (process.connected) process.disconnect()
  }
}

function tell(message: Message): void {
  if (process.connected) process.send?.(message)
}
