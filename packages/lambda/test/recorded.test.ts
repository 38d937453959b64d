import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { serve } from '../src/index.ts'
import { lambdaContext } from './events.ts'
import { recordedFolder as folder, recordedRequests } from './recorded-requests.ts'

async function seenBy(file: string) {
  let seen: unknown
  const handler = serve(async (request) => {
    seen = {
      line: `${request.method} ${request.url}`,
      cookie: request.headers.get('cookie'),
      host: request.headers.get('host'),
      body: await request.text(),
    }
    return new Response()
  })
  const answer = await handler(JSON.parse(readFileSync(new URL(file, folder), 'utf8')), lambdaContext())
  expect(answer.statusCode).toBe(200)
  return seen
}

describe.skipIf(!existsSync(folder))('recorded events', () => {
  test.each(recordedRequests)('%s', async (file, expected) => {
    expect(await seenBy(`http/${file}`)).toEqual(expected)
  })

  test.each([
    'example-apigw-websocket-request.json',
    'example-apigw-websocket-request-without-method.json',
    'example-apigw-websocket-request-disconnect-route.json',
    'example-sqs-event.json',
    'example-eventbridge-schedule.json',
  ])('%s is no HTTP request, and refused', async (file) => {
    await expect(seenBy(`other/${file}`)).rejects.toMatchObject({ code: 'EVENT_NOT_HTTP' })
  })
})
