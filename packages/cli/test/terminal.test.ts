import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { main, makeProject, patient } from './dev-support.ts'

/** Runs a command in a terminal of its own: what comes in are keys, and the end of that closes the terminal. */
const terminal = `
import os, pty, select, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
print(f'pid {pid}', flush=True)
keys = True
while True:
    ready, _, _ = select.select([fd] + ([0] if keys else []), [], [])
    if fd in ready:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        os.write(1, data)
    if 0 in ready:
        data = os.read(0, 1024)
        if data:
            os.write(fd, data)
        else:
            keys = False
            os.close(fd)
            break
_, status = os.waitpid(pid, 0)
print(f'ended {os.waitstatus_to_exitcode(status)}', flush=True)
`

const hasPython = spawnSync('python3', ['--version']).status === 0
const inTerminal = test.skipIf(process.platform !== 'linux' || !hasPython)

// Environments are found by their variables, of which one names a folder for compiled modules: the simulator's own.
delete process.env.NODE_COMPILE_CACHE

let project: Awaited<ReturnType<typeof makeProject>>
let temporary: string
let child: ChildProcess | null = null

const devCommand = () => [main, 'dev', project.root, '--port', '0']

beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'thaw-test-terminal-'))
  project = await makeProject({
    'thaw.config.ts': `import { defineApp, http } from '@thaw/app'
      export default defineApp({ name: 'p', functions: { api: http('./api.mjs') } })`,
    // With an extension that takes all the time it gets: the end lasts 500 ms.
    'api.mjs': `
      const extension = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2020-01-01/extension/'
      const registered = await fetch(extension + 'register', {
        method: 'POST', headers: { 'lambda-extension-name': 'x' }, body: '{"events":[]}' })
      const id = registered.headers.get('lambda-extension-identifier')
      fetch(extension + 'event/next', { headers: { 'lambda-extension-identifier': id } })
      process.on('SIGTERM', () => console.log('ASKED'))
      export const handler = async () => 1`,
  })
})

afterEach(async () => {
  child?.kill('SIGKILL')
  await project.remove()
  await rm(temporary, { recursive: true, force: true })
})

/** Processes that know the simulator's folder, or have mounts of it. */
function processesOf(folder: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8')) &&
        ['cmdline', 'mountinfo', 'environ'].some((file) =>
          readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(folder),
        )
      )
    } catch {
      return false
    }
  })
}

/** A process that ends with the test, and what it prints. */
function start(file: string, args: readonly string[]) {
  const running = spawn(file, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: temporary },
  })
  child = running
  const exited = once(running, 'exit')
  let printed = ''
  running.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  const find = async (pattern: RegExp) => {
    await expect.poll(() => printed, patient).toMatch(pattern)
    return pattern.exec(printed)?.[1] ?? ''
  }
  return { keys: running.stdin, output: running.stdout, exited, find, printed: () => printed }
}

async function dev() {
  const running = start('python3', ['-c', terminal, process.execPath, ...devCommand()])
  const { find } = running
  const pid = Number(await find(/pid (\d+)/))
  const url = await find(/ is at (http:\S+)/)
  await find(/(q or Ctrl-C ends it)/)
  expect(await (await fetch(url)).json()).toBe(1)
  expect(existsSync(join(project.root, '.thaw', 'dev.json'))).toBe(true)
  expect(processesOf(temporary).length).toBeGreaterThan(1)
  return { ...running, pid }
}

async function expectNothingLeft() {
  // What is killed at once is cleared away by the helper process.
  await expect.poll(() => processesOf(temporary), patient).toEqual([])
  await expect.poll(() => readdirSync(temporary), patient).toEqual([])
  expect(readdirSync(join(project.root, '.thaw')).filter((name) => name !== 's3')).toEqual(['dev.lock'])
}

inTerminal.each([
  ['q', 'q', 0],
  ['Ctrl-C', '\u0003', 130],
  ['a second Ctrl-C, which does not wait', '\u0003', 130],
] as const)('%s ends it and leaves nothing', async (name, key, code) => {
  const { keys, find, exited, printed } = await dev()
  keys.write(key)
  if (name.startsWith('a second')) {
    // The key may still have been read as one with the first.
    await find(/(ASKED)/)
    keys.write(key)
  }
  expect(await find(/ended (-?\d+)/)).toBe(String(code))
  await exited
  expect(printed()).not.toMatch(/at .*\.ts:\d/)
  await expectNothingLeft()
})

inTerminal.each([
  ['SIGTERM', '0'],
  ['SIGHUP', '129'],
] as const)('%s ends it with %s and leaves nothing', async (signal, code) => {
  const { pid, find, exited } = await dev()
  process.kill(pid, signal)
  expect(await find(/ended (-?\d+)/)).toBe(code)
  await exited
  await expectNothingLeft()
})

inTerminal('a terminal that is closed ends it and leaves nothing', async () => {
  const { keys, find, exited } = await dev()
  keys.end()
  expect(await find(/ended (-?\d+)/)).toBe('129')
  await exited
  await expectNothingLeft()
})

inTerminal('whoever reads its output and goes away ends it too, and nothing is left', async () => {
  const { output, find, exited } = start(process.execPath, devCommand())
  const url = await find(/ is at (http:\S+)\n[\s\S]*Ctrl-C ends it/)
  output.destroy()
  // Makes it print something, of which it may end before it answers.
  await fetch(url).catch(() => null)
  expect(await exited).toEqual([141, null])
  await expectNothingLeft()
})
