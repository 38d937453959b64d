import { seededRandom } from '@thaw/testing'
import { expect, test } from 'vitest'
import { extensionCalls, isRunning, startProject } from './support.ts'

// Everything that can befall environments, in any order and at once: every request is answered, and nothing is left.

const plain = `export const handler = async ({ ms = 0, exit, fail }) => {
  if (exit) process.exit(3)
  if (fail) throw new Error('as told')
  await new Promise((done) => setTimeout(done, ms))
  return process.pid
}`

const functions = {
  plain: ['concurrency: 3', plain],
  extended: [
    '',
    `import { register, next } from '../calls.mjs'
    const { id } = await register('listener', ['INVOKE'])
    const listen = () => next(id).then(listen, () => {})
    void listen()
    ${plain}`,
  ],
  brief: ['timeout: 1', plain],
  streams: [
    '',
    `export const handler = awslambda.streamifyResponse(async ({ ms = 0, exit, fail }, stream) => {
      stream.write('begun')
      await new Promise((done) => setTimeout(done, ms))
      if (exit) process.exit(3)
      if (fail) throw new Error('as told')
      stream.end('x'.repeat(100_000))
    })`,
  ],
  provisioned: ['provisioned: 1', plain],
  broken: ['', `throw new Error('at the start')`],
} as const

const seeds = process.env.THAW_TEST_SEED ? [process.env.THAW_TEST_SEED] : ['order one', 'order two']

test.each(seeds)(
  'whatever happens in whatever order (seed %s)',
  async (seed) => {
    const random = seededRandom(seed)
    const project = await startProject(functions, { maxEnvironments: 6, idleMs: 300 })
    await project.write('calls.mjs', extensionCalls)
    const { simulator } = project
    const pids = new Set<number>()
    const counts = { answered: 0, failed: 0, refused: 0 }

    const invoke = async () => {
      const name = random.pick(Object.keys(functions))
      const event = { ms: random.pick([0, 0, 5, 60]), exit: random.chance(0.1), fail: random.chance(0.1) }
      try {
        const { functionError, stream } = await simulator.invoke(name, event)
        if (stream !== null) for await (const _ of stream.body);
        counts[functionError === null ? 'answered' : 'failed']++
      } catch (error) {
        const { code } = error as { readonly code?: string }
        expect(['TOO_MANY_REQUESTS', 'RESPONSE_BROKEN_OFF', 'CLOSED'], String(error)).toContain(code)
        counts.refused++
      }
    }
    const disturb = async () => {
      const living = simulator.environments()
      if (living.length === 0) return
      const one = random.pick(living)
      switch (random.integer(0, 3)) {
        case 0:
          return await simulator.kill(one.id)
        case 1:
          return await simulator.shutDown(one.id)
        case 2:
          simulator.freeze(one.id)
          await new Promise((done) => setTimeout(done, random.integer(0, 30)))
          if (simulator.environments().some(({ id }) => id === one.id)) simulator.thaw(one.id)
          return
        default:
          if (one.pid !== null) process.kill(one.pid, 'SIGKILL')
      }
    }
    /** Who is there no more, cannot be disturbed. */
    const gone = (error: { readonly code?: string }) =>
      expect(['ENVIRONMENT_UNKNOWN', 'ESRCH']).toContain(error.code)

    try {
      const client = async () => {
        for (let count = 0; count < 25; count++) {
          await invoke()
          for (const { pid } of simulator.environments()) if (pid !== null) pids.add(pid)
        }
      }
      const trouble = async () => {
        for (let count = 0; count < 40; count++) {
          await disturb().catch(gone)
          await new Promise((done) => setTimeout(done, random.integer(0, 40)))
        }
      }
      await Promise.all([client(), client(), client(), client(), trouble()])
      expect(counts.answered, JSON.stringify(counts)).toBeGreaterThan(10)
      expect(counts.failed, JSON.stringify(counts)).toBeGreaterThan(0)
      // Also with requests under way the end comes.
      const last = [invoke(), invoke(), invoke(), invoke()]
      await simulator.close()
      await Promise.all(last)
      await expect.poll(() => [...pids].filter(isRunning)).toEqual([])
      expect(simulator.environments()).toEqual([])
    } finally {
      await project.end()
    }
  },
  60_000,
)
