import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadApp } from '@thaw/app'
import { expect } from 'vitest'
import { type SimulateOptions, type Simulator, simulate } from '../src/index.ts'

export const fixture = fileURLToPath(new URL('./fixtures/app', import.meta.url))

/** A simulator whose log can be waited for. */
export interface Watched {
  readonly simulator: Simulator
  readonly lines: readonly string[]
  /** The first line after now, or after `from` lines, that matches. */
  line(pattern: RegExp, from?: number): Promise<string>
}

export async function start(directory: string, options: SimulateOptions = {}): Promise<Watched> {
  const lines: string[] = []
  const waiting = new Set<() => void>()
  const log = (line: string) => {
    lines.push(line)
    for (const look of waiting) look()
  }
  const simulator = await simulate(await loadApp(directory), { ...options, log })
  const line = (pattern: RegExp, from = lines.length) =>
    new Promise<string>((resolve) => {
      const look = () => {
        const found = lines.slice(from).find((candidate) => pattern.test(candidate))
        if (found === undefined) return
        waiting.delete(look)
        resolve(found)
      }
      waiting.add(look)
      look()
    })
  return { simulator, lines, line }
}

/** Waits until every environment is done with what it had, and what it reports has been reported. */
export async function atRest({ simulator }: Watched): Promise<void> {
  const states = () => simulator.environments().map(({ state }) => state)
  await expect.poll(states, { interval: 2 }).not.toContain('busy')
  // The report follows the freeze by one turn.
  await new Promise((resolve) => setImmediate(resolve))
}

/** A project in the repository, where `@thaw/app` can be imported, that git does not see. */
export async function makeProject(files: Readonly<Record<string, string>>) {
  const parent = fileURLToPath(new URL('./.thaw', import.meta.url))
  await mkdir(parent, { recursive: true })
  const root = await mkdtemp(join(parent, 'project-'))
  const write = async (name: string, text: string) => {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
  for (const [name, text] of Object.entries(files)) await write(name, text)
  return { root, write, remove: () => rm(root, { recursive: true, force: true }) }
}

export interface RawResponse {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Buffer
}

/** Sends exactly these bytes, and reads until the other side closes. */
export function sendRaw(url: string, bytes: string | Uint8Array): Promise<RawResponse> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(parseResponse(Buffer.concat(chunks))))
  })
}

function parseResponse(bytes: Buffer): RawResponse {
  const end = bytes.indexOf('\r\n\r\n')
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  })
  return { status: Number(first.split(' ')[1]), headers, body: bytes.subarray(end + 4) }
}

/** Whether a process runs; one that has ended and was not collected does not. */
export function isRunning(pid: number): boolean {
  const stat = `/proc/${pid}/stat`
  if (!existsSync('/proc/self/stat')) {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(stat, 'utf8'))
  } catch {
    return false
  }
}
