import { existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { loadApp } from '@thaw/app'
import { makeProjectBeside } from '@thaw/testing'
import { expect } from 'vitest'
import { type EnvironmentInfo, type SimulateOptions, type Simulator, simulate } from '../src/index.ts'

/** For `expect.poll`: machines can be busy. */
export const patient = { timeout: 15_000, interval: 5 }

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
  await expect.poll(states, patient).not.toContain('busy')
  // The report follows the freeze by one turn.
  await new Promise((resolve) => setImmediate(resolve))
}

/** A project in the repository, where `@thaw/app` can be imported, that git does not see. */
export const makeProject = (files: Readonly<Record<string, string>>) =>
  makeProjectBeside(import.meta.url, files)

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
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')]
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

export interface Project extends Watched {
  readonly root: string
  write(name: string, text: string): Promise<void>
  /** Invokes a function and gives what it answered; fails when the function did. */
  call<T>(name: string, event?: unknown): Promise<T>
  /** Those of one function, or all. */
  of(name?: string): EnvironmentInfo[]
  /** Closes the simulator and removes the project. */
  end(): Promise<void>
}

/** Runs a project of these functions: each the options of `http` (as source) and the code of its file. */
export async function startProject(
  functions: Readonly<Record<string, readonly [options: string, code: string]>>,
  options: SimulateOptions = {},
): Promise<Project> {
  const names = Object.keys(functions)
  const declared = names.map((name) => {
    const [given] = functions[name] ?? ['']
    return `${name}: http('./src/${name}.mjs', { route: 'ANY /${name}', ${given} })`
  })
  const config = `import { defineApp, http } from '@thaw/app'
    export default defineApp({ name: 'project', functions: { ${declared.join(', ')} } })`
  const sources = names.map((name) => [`src/${name}.mjs`, functions[name]?.[1] ?? ''])
  const project = await makeProject({ 'thaw.config.ts': config, ...Object.fromEntries(sources) })
  const watched = await start(project.root, options)
  const { simulator } = watched
  return {
    ...watched,
    ...project,
    async call(name, event = {}) {
      const { payload, functionError } = await simulator.invoke(name, event)
      if (functionError !== null) throw new Error(payload)
      return JSON.parse(payload)
    },
    of: (name) => simulator.environments().filter((one) => name === undefined || one.functionName === name),
    async end() {
      await simulator.close()
      await project.remove()
    },
  }
}

/** Source of a module that calls the Extensions API. */
export const extensionCalls = `
import { request } from 'node:http'

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':')

export function call(method, path, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const url = '/2020-01-01/extension/' + path
    const outgoing = request({ host, port, method, path: url, headers }, (incoming) => {
      let text = ''
      incoming.setEncoding('utf8').on('data', (chunk) => { text += chunk })
      incoming.on('error', reject).on('end', () => {
        const id = incoming.headers['lambda-extension-identifier']
        resolve({ status: incoming.statusCode, id, body: text === '' ? null : JSON.parse(text) })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

export const register = (name, events = []) =>
  call('POST', 'register', { events }, { 'lambda-extension-name': name })

export const next = (id) => call('GET', 'event/next', undefined, { 'lambda-extension-identifier': id })
`
