import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadApp } from '@thaw/app'
import { buildApp } from '@thaw/deploy'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { start, type Watched } from '../../packages/local/test/support.ts'

// `serve` with a database as a Web Function: many requests at once in one process.

const root = fileURLToPath(new URL('./web', import.meta.url))

let app: Watched

beforeAll(async () => {
  app = await start(root, {
    environment: { DATABASE_URL: 'sqlite+s3://web/db', THAW_MIGRATIONS: `${root}/migrations` },
  })
})

afterAll(() => app.simulator.close())

interface Answer {
  readonly pid: number
  readonly requestId: string
  readonly notes: readonly string[]
}

async function call(text: string | null, bookmark: string | null = null) {
  const response = await fetch(app.simulator.url, {
    ...(text === null ? {} : { method: 'POST', body: text }),
    headers: bookmark === null ? {} : { 'x-thaw-bookmark': bookmark },
  })
  const { status, headers } = response
  return {
    status,
    id: headers.get('lambda-web-request-id'),
    bookmark: headers.get('x-thaw-bookmark'),
    answer: (await response.json()) as Answer,
  }
}

test('requests at once share a process and its database, and each has its own context and bookmark', async () => {
  const texts = Array.from({ length: 8 }, (_, index) => (index === 3 ? 'fail' : `note ${index}`))
  const calls = await Promise.all(texts.map((text) => call(text)))
  expect(calls.map(({ status }) => status)).toEqual(texts.map((text) => (text === 'fail' ? 418 : 200)))
  expect(app.simulator.environments()).toHaveLength(1)
  const { pid } = app.simulator.environments()[0] ?? {}
  for (const [index, { status, id, answer }] of calls.entries()) {
    expect(answer.requestId).toBe(id)
    if (status !== 200) continue
    expect(answer.pid).toBe(pid)
    expect(answer.notes).toContain(texts[index])
  }
  // Each bookmark stands for its own request: whoever brings it sees no less, in another environment as well.
  await app.simulator.kill()
  for (const [index, { bookmark, status }] of calls.entries()) {
    if (status !== 200) continue
    expect(bookmark).toMatch(/./)
    const { answer } = await call(null, bookmark)
    expect(answer.pid).not.toBe(pid)
    expect(answer.notes).toContain(texts[index])
  }
  expect((await call(null)).answer.notes.toSorted()).toEqual(texts.toSorted())
})

test('the same function works from its package, and as one that gets events', async () => {
  const outDir = await mkdtemp(join(tmpdir(), 'thaw-web-'))
  try {
    const { functions: packages } = await buildApp(await loadApp(root), { outDir })
    const environment = { DATABASE_URL: 'sqlite+s3://web/db' }
    for (const [options, header] of [
      [{}, 'lambda-web-request-id'],
      [{ front: 'http-api' }, 'apigw-requestid'],
    ] as const) {
      const { simulator } = await start(root, { ...options, packages, environment })
      try {
        const answer = await fetch(simulator.url)
        expect([answer.status, await answer.json()]).toMatchObject([200, { notes: [] }])
        expect(answer.headers.get(header)).toMatch(/./)
      } finally {
        await simulator.close()
      }
    }
  } finally {
    await rm(outDir, { recursive: true })
  }
})
