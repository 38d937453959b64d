import { writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fronts, type HttpFront } from '@thaw/app'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { start, type Watched } from '../../packages/local/test/support.ts'

// `serve({ stream: true })` behind every front, in real environments.

const root = fileURLToPath(new URL('./streams', import.meta.url))

const streaming: readonly HttpFront[] = ['function-url', 'rest-api']

describe.each([...fronts])('behind %s', (front) => {
  let app: Watched

  beforeAll(async () => {
    app = await start(root, { front, albMultiValue: true })
  })
  afterAll(() => app.simulator.close())

  test('an answer has its status, headers, cookies and body', async () => {
    const answer = await fetch(`${app.simulator.url}/`)
    expect(answer.status).toBe(203)
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(answer.headers.get('x-own')).toBe('yes')
    expect(answer.headers.getSetCookie()).toEqual(['a=1; Path=/', 'b=2'])
    expect(await answer.text()).toBe('first sécond')
  })

  test('an answer that breaks off is cut where it streams, and an error elsewhere', async () => {
    const answer = await fetch(`${app.simulator.url}/broken`)
    if (!streaming.includes(front)) {
      expect(answer.status).toBe(500)
      expect(await answer.json()).toMatchObject({ status: 500, requestId: expect.any(String) })
      return
    }
    expect(answer.status).toBe(203)
    const reader = answer.body!.getReader()
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('first ')
    await expect(reader.read()).rejects.toThrow()
  })

  test.runIf(streaming.includes(front))('an answer arrives while it is made', async () => {
    const go = join(root, `.go-${process.pid}-${front}`)
    try {
      const answer = await fetch(`${app.simulator.url}/?until=${encodeURIComponent(go)}`)
      const reader = answer.body!.getReader()
      expect(Buffer.from((await reader.read()).value!).toString()).toBe('first ')
      writeFileSync(go, '')
      expect(Buffer.from((await reader.read()).value!).toString()).toBe('sécond')
      expect((await reader.read()).done).toBe(true)
    } finally {
      await rm(go, { force: true })
    }
  })
})
