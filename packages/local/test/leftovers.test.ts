import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readLines } from '../src/log.ts'
import { fixture, isRunning, start } from './support.ts'

// Environments are found by their variables, of which one names a folder for compiled modules: the simulator's own.
delete process.env.NODE_COMPILE_CACHE

let state: string
let host: ChildProcess | null = null

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'thaw-test-state-'))
})

afterEach(async () => {
  host?.kill('SIGKILL')
  host = null
  await rm(state, { recursive: true, force: true })
})

/** Every process that knows this folder, or has mounts of it or in it: the environments and the reaper. */
function processesOf(folder: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((pid) => {
    if (pid === process.pid || pid === host?.pid || !isRunning(pid)) return false
    try {
      return ['cmdline', 'environ', 'mountinfo'].some((file) =>
        readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(folder),
      )
    } catch {
      return false
    }
  })
}

const withProc = test.skipIf(process.platform !== 'linux')

withProc('close ends every process and removes every file, busy or not', async () => {
  const { simulator, line } = await start(fixture, { stateDirectory: state })
  await simulator.invoke('echo', {})
  const looping = line(/handling/)
  const invocation = simulator.invoke('api', { rawPath: '/', rawQueryString: 'loop=1' })
  const request = fetch(`${simulator.url}/?hang=1`)
  const refused = [
    expect(invocation).rejects.toMatchObject({ code: 'CLOSED' }),
    expect(request).rejects.toThrow(/fetch failed/),
  ]
  await looping
  // Two environments or three, as the request has begun or not, and the reaper.
  expect(processesOf(state).length).toBeGreaterThanOrEqual(3)

  await Promise.all([simulator.close(), simulator.close()])
  await Promise.all(refused)
  expect(processesOf(state)).toEqual([])
  expect(readdirSync(state)).toEqual([])
  await expect(simulator.invoke('echo', {})).rejects.toMatchObject({ code: 'CLOSED' })
  await expect(fetch(simulator.url)).rejects.toThrow()
})

withProc('close needs no help', async () => {
  const { simulator } = await start(fixture, { stateDirectory: state })
  const [reaper] = processesOf(state)
  process.kill(Number(reaper), 'SIGKILL')
  await simulator.invoke('echo', {})
  await simulator.close()
  expect(processesOf(state)).toEqual([])
  expect(readdirSync(state)).toEqual([])
})

withProc.each(['namespace', 'folder'])(
  'a simulator that is killed leaves nothing either, whatever its environments do (%s)',
  async (isolation) => {
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('./fixtures/host.ts', import.meta.url)), fixture, state, isolation],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    host = child
    const seen: string[] = []
    readLines(child.stdout, (line) => seen.push(line))
    const line = async (pattern: RegExp) => {
      await expect
        .poll(() => seen.some((candidate) => pattern.test(candidate)), { timeout: 10_000 })
        .toBe(true)
      return seen.find((candidate) => pattern.test(candidate)) ?? ''
    }
    const url = (await line(/^listening/)).split(' ')[1]
    await fetch(`${url}/echo`)
    const requests = ['hang=1&child=1', 'loop=1'].map((query) =>
      fetch(`${url}/${query.slice(0, 4)}?${query}`).catch(() => {}),
    )
    const sleeper = Number((await line(/child \d+/)).split(' ').at(-1))
    await line(/handling \/loop/)
    // Idle, hanging, looping; the reaper; and what one of them started.
    expect(processesOf(state)).toHaveLength(5)
    expect(processesOf(state)).toContain(sleeper)

    child.kill('SIGKILL')
    await Promise.all(requests)
    await expect.poll(() => processesOf(state), { timeout: 10_000 }).toEqual([])
    expect(readdirSync(state)).toEqual([])
  },
)
