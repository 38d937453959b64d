import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** What is asked of the process that runs the simulator, and what it answers. */
export type Question = 'kill' | 'list'
export interface Answer {
  readonly url: string
  readonly isolation: string
  readonly environments: readonly { readonly pid: number | null; readonly state: string }[]
}

/** The simulator in a process of its own. */
export interface Subject {
  readonly url: string
  readonly isolation: string
  /** Kills all environments, so that the next request finds none. */
  kill(): Promise<void>
  environments(): Promise<Answer['environments']>
  close(): Promise<void>
}

/** Of one load: how many requests were answered in how many milliseconds, and how long they took, in ms. */
export interface Load {
  readonly requests: number
  readonly ms: number
  readonly p50: number
  readonly p99: number
}

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url))

export async function startSubject(): Promise<Subject> {
  const child = fork(pathOf('./simulator.ts'), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const gone = once(child, 'exit').then(() => Promise.reject(new Error('the simulator has ended')))
  gone.catch(() => {})
  const answered = () =>
    Promise.race([
      new Promise<Answer>((resolve) => child.once('message', (message) => resolve(message as Answer))),
      gone,
    ])
  const ask = async (question: Question) => {
    child.send(question)
    return await answered()
  }
  const { url, isolation } = await answered()
  return {
    url,
    isolation,
    kill: async () => void (await ask('kill')),
    environments: async () => (await ask('list')).environments,
    async close() {
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  }
}

/** Loads a server from a process of its own. */
export async function load(url: string, connections: number, ms: number): Promise<Load> {
  const args = [pathOf('./load.ts'), url, String(connections), String(ms)]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout)
}
