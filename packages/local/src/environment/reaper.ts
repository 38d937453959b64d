import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Sees to it that nothing outlives the simulator, even when that is killed without warning. */
export interface Reaper {
  /** The process group led by `pid` must not outlive this process. */
  guard(pid: number): void
  release(pid: number): void
  /** Kills what is still guarded, removes the folder, ends the reaper. */
  close(): Promise<void>
}

const program = fileURLToPath(new URL('../runtime/reaper.ts', import.meta.url))

/**
 * Starts a small process that waits for this one to end. It then kills what `guard` named and removes
 * `directory`. In a session of its own: Ctrl-C in the terminal does not reach it.
 */
export async function startReaper(directory: string): Promise<Reaper> {
  const child = spawn(process.execPath, [program, directory], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
    env: {},
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  // A reaper that somebody killed cannot be told anything, and `close` then has nothing to wait for.
  child.stdin.on('error', () => {})
  await once(child, 'spawn')
  return {
    guard: (pid) => void child.stdin.write(`+${pid}\n`),
    release: (pid) => void child.stdin.write(`-${pid}\n`),
    close: async () => {
      child.stdin.end()
      await exited
    },
  }
}
