import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Dev, dev, makeProject } from './dev-support.ts'

// `thaw dev --packaged`: the zips of `thaw build` in real environments. Functions of every other kind: dev.test.ts.

const config = `
import { defineApp, http } from '@thaw/app'

export default defineApp({
  name: 'packaged',
  functions: {
    rest: http('./src/stream.ts', { front: 'rest-api', stream: true, route: 'GET /rest/{path+}' }),
    address: http('./src/stream.ts', { front: 'function-url', stream: true }),
    web: http('./src/web.ts', { front: 'function-url', requestsPerEnvironment: 8 }),
  },
})
`

/** Sends `first`, waits for a file, and then ends well or not, as the last part of the path says. */
const pieces = `
import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

export async function* pieces(url: URL) {
  yield Buffer.from('first ')
  const go = url.searchParams.get('go')
  while (go !== null && !existsSync(go)) await setTimeout(5)
  if (url.pathname.endsWith('/fail')) throw new Error('secret of the function')
  if (url.pathname.endsWith('/exit')) process.exit(7)
  yield Buffer.from('second')
}

export const told = { shutdown: async () => console.log('participant shut down in ' + process.cwd()) }
`

const stream = `
import { serve } from '@thaw/lambda'
import { pieces, told } from './pieces.ts'

const answer = (request: Request) => new Response(ReadableStream.from(pieces(new URL(request.url))), { status: 203 })
export const handler = serve(answer, { stream: true, with: [told] })
`

const web = `
import { serve } from '@thaw/lambda'
import { pieces, told } from './pieces.ts'

const together = 5
let waiting: (() => void)[] = []

async function answer(request: Request) {
  const url = new URL(request.url)
  if (url.pathname !== '/together') return new Response(ReadableStream.from(pieces(url)), { status: 203 })
  await new Promise<void>((resolve) => {
    waiting.push(resolve)
    if (waiting.length < together) return
    for (const go of waiting) go()
    waiting = []
  })
  return Response.json({ pid: process.pid, folder: process.cwd() })
}
export const handler = serve(answer, { with: [told] })
`

let project: Awaited<ReturnType<typeof makeProject>>
let running: Dev

beforeAll(async () => {
  project = await makeProject({
    'thaw.config.ts': config,
    'src/pieces.ts': pieces,
    'src/stream.ts': stream,
    'src/web.ts': web,
  })
  running = await dev(project.root, '--packaged')
  // The sources have done their part.
  for (const name of ['pieces', 'stream', 'web']) await project.write(`src/${name}.ts`, 'throw new Error()')
}, 90_000)

afterAll(async () => {
  await running?.end()
  await project.remove()
})

let files = 0
const newFile = () => `go-${++files}`

/** Of a function with an address of its own by that, whose host no resolver has to know. */
async function open(path: string, functionName: string | null = null): Promise<IncomingMessage> {
  const headers = functionName === null ? {} : { host: `${functionName}.lambda-url.localhost` }
  const outgoing = request(running.url + path, { headers, agent: false })
  outgoing.end()
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  return incoming
}

async function nextPiece(answer: IncomingMessage): Promise<string> {
  await once(answer, 'readable')
  return String(answer.read())
}

describe.each([
  ['behind a REST API', '/rest', null],
  ['behind a Function URL', '', 'address'],
  ['of a Web Function', '', 'web'],
])('a streamed answer %s', (_, prefix, functionName) => {
  const begin = async (how: string) => {
    const file = newFile()
    const go = encodeURIComponent(`${project.root}/${file}`)
    const answer = await open(`${prefix}/${how}?go=${go}`, functionName)
    expect(answer.statusCode).toBe(203)
    expect(await nextPiece(answer)).toBe('first ')
    return { answer, goOn: () => project.write(file, '') }
  }

  test('arrives in pieces', async () => {
    const { answer, goOn } = await begin('well')
    await goOn()
    expect(await text(answer)).toBe('second')
    expect(answer.complete).toBe(true)
  })

  test.each(['fail', 'exit'])(
    'that ends half-way by %s is a broken connection, and nothing is said in it',
    async (how) => {
      const { answer, goOn } = await begin(how)
      let rest = ''
      answer.on('data', (piece) => {
        rest += piece
      })
      const ended = new Promise((resolve) => answer.on('error', resolve).on('end', () => resolve('well')))
      const from = running.printed().length
      await goOn()
      expect(await ended).toMatchObject({ code: 'ECONNRESET' })
      expect([rest, answer.complete]).toEqual(['', false])
      const said = await running.find(new RegExp(`${how}\\S* 203 .*, which broke off: (.*)`), from)
      expect(said).toMatch(
        how === 'fail' ? /secret of the function|aborted/ : /exit status 7|environment ended/,
      )
      // Of the sources, which are no part of the zip.
      const place = `${project.root}/src/pieces.ts:9:`
      if (how === 'fail') await expect.poll(() => running.printed().slice(from)).toContain(place)
      // The next one is whole.
      const next = await begin('well')
      await next.goOn()
      expect(await text(next.answer)).toBe('second')
    },
  )
})

test('a Web Function has several requests at once in one process, in the folder of its package', async () => {
  const answers = await Promise.all(
    Array.from({ length: 5 }, async () => JSON.parse(await text(await open('/together', 'web')))),
  )
  expect(new Set(answers.map(({ pid }) => pid)).size).toBe(1)
  expect(answers[0].folder).toMatch(/\/packages\/web$/)
})

test('at the end each environment gets SIGTERM, and shuts its participants down', async () => {
  const names = ['rest', 'address', 'web'] as const
  for (const name of names) {
    const path = name === 'rest' ? '/rest/well' : '/well'
    expect(await text(await open(path, name === 'rest' ? null : name))).toBe('first second')
  }
  expect(running.printed()).not.toContain('participant shut down')
  expect(await running.end()).toEqual([0, null])
  for (const name of names) {
    const line = new RegExp(`^${name}#\\d+ \\| participant shut down in .*/packages/${name}$`, 'm')
    await running.find(line)
  }
})
