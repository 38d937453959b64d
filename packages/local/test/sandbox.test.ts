import { mkdtempSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Isolation } from '../src/index.ts'
import { detectSandbox } from '../src/sandbox/detect.ts'
import { start, type Watched } from './support.ts'

const fixture = fileURLToPath(new URL('./fixtures/sandbox', import.meta.url))

const probe = mkdtempSync(join(tmpdir(), 'thaw-test-probe-'))
const { isolation: best } = await detectSandbox(probe)
await rm(probe, { recursive: true })

let watched: Watched | null = null

async function run(isolation: Isolation) {
  watched = await start(fixture, { isolation })
  const { simulator, line } = watched
  expect(simulator.isolation).toBe(isolation)
  const ask = async (order: object) => {
    const outcome = await simulator.invoke('api', order)
    const answer: unknown = JSON.parse(outcome.payload)
    return { ...outcome, answer }
  }
  return { simulator, line, ask, lines: watched.lines }
}

afterEach(async () => {
  await watched?.simulator.close()
  watched = null
})

describe.skipIf(best === 'folder')('/tmp in a mount namespace', () => {
  const mark = `thaw-test-mark-${process.pid}`
  const host = join('/tmp', mark)

  beforeAll(() => writeFile(host, 'of the developer'))
  afterAll(() => rm(host))

  test('is its own, by whatever name, and nobody else sees what is in it', async () => {
    const { simulator, ask } = await run('namespace')
    expect((await ask({ size: host })).answer).toBe(null)
    expect((await ask({ write: [`/tmp/${mark}-own`, 1] })).answer).toBe('written')
    expect((await ask({})).answer).toMatchObject({ tmpdir: '/tmp' })
    expect((await readdir('/tmp')).filter((name) => name.startsWith(mark))).toEqual([mark])
    const { environmentId, answer } = await ask({ list: '/tmp' })
    expect(answer).toContain(`${mark}-own`)
    await simulator.kill(environmentId)
    expect((await ask({ list: '/tmp' })).answer).not.toContain(`${mark}-own`)
  })

  test('is full where it is full on Lambda', async () => {
    const { ask } = await run('namespace')
    expect((await ask({ write: ['/tmp/large', 513] })).answer).toBe('ENOSPC')
    expect((await ask({ size: '/tmp/large' })).answer).toBe(512 * 1024 * 1024)
  })
})

describe.skipIf(process.platform !== 'linux')('memory', () => {
  test.each([
    ['of the process', { allocateMb: 200 }],
    ['of what it starts', { child: 'globalThis.x = Buffer.alloc(120e6, 1); setInterval(() => {}, 1e6)' }],
  ])('over the limit ends the environment: that %s', async (_, order) => {
    const { ask, line } = await run(best)
    const reported = line(/REPORT .*Memory Size: 128 MB\tMax Memory Used: 128 MB\t.*Status: error\t/)
    const { answer } = await ask(order)
    expect(answer).toEqual({
      errorType: 'Runtime.OutOfMemory',
      errorMessage: expect.stringMatching(
        /^RequestId: \S+ Error: Runtime exited with error: signal: killed$/,
      ),
    })
    expect(await reported).toContain('Error Type: Runtime.OutOfMemory')
    expect((await ask({})).functionError).toBe(null)
  })

  test('below the limit is reported', async () => {
    const { ask, line } = await run(best)
    const reported = line(/REPORT/)
    expect((await ask({ allocateMb: 20 })).functionError).toBe(null)
    const used = Number(/Max Memory Used: (\d+) MB/.exec(await reported)?.[1])
    expect(used).toBeGreaterThan(40)
    expect(used).toBeLessThanOrEqual(128)
  })

  test('is what the heap is sized by, as on Lambda', async () => {
    const { ask } = await run(best)
    expect((await ask({})).answer).toMatchObject({
      execArgv: ['--max-semi-space-size=6', '--max-old-space-size=115'],
    })
  })
})

test('a simulator can be kept from using namespaces', async () => {
  const root = mkdtempSync(join(tmpdir(), 'thaw-test-root-'))
  await mkdir(root, { recursive: true })
  expect((await detectSandbox(root, 'folder')).isolation).toBe('folder')
  expect(await readdir(root)).toEqual([])
  await rm(root, { recursive: true })
})
