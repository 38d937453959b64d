import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { serve } from '../src/index.ts'
import { lambdaContext } from './events.ts'

// Events of others, kept beside the repository where they are kept at all.
const folder = new URL('../../../../shared/corpora/lambda-events/http/', import.meta.url)

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
  test.each([
    [
      'apigw_v2_proxy_request.json',
      {
        line: 'POST https://id.execute-api.us-east-1.amazonaws.com/my/path?parameter1=value1&parameter1=value2&parameter2=value',
        cookie: 'cookie1=value1; cookie2=value2',
        host: 'id.execute-api.us-east-1.amazonaws.com',
        body: 'Hello from Lambda',
      },
    ],
    [
      'apigw_v2_proxy_request_minimal.json',
      {
        line: 'GET https://xxx.execute-api.us-east-1.amazonaws.com/',
        cookie: null,
        host: 'xxx.execute-api.us-east-1.amazonaws.com',
        body: '',
      },
    ],
    [
      'apigw_v2_proxy_request_with_stage_in_path.json',
      {
        line: 'POST https://id.execute-api.us-east-1.amazonaws.com/my/path?parameter1=value1&parameter1=value2&parameter2=value',
        cookie: 'cookie1=value1; cookie2=value2',
        host: 'id.execute-api.us-east-1.amazonaws.com',
        body: 'Hello from Lambda',
      },
    ],
    [
      'apigw_v2_sam_local.json',
      { line: 'GET http://127.0.0.1:3000/hello', cookie: null, host: '127.0.0.1:3000', body: '' },
    ],
    [
      'lambda_function_url_request.json',
      {
        line: 'GET https://id.lambda-url.eu-west-2.on.aws/my/path?parameter1=value1&parameter1=value2&parameter2=value',
        cookie: 'test=hi',
        host: 'id.lambda-url.eu-west-2.on.aws',
        body: '',
      },
    ],
  ])('%s', async (file, expected) => {
    expect(await seenBy(file)).toEqual(expected)
  })

  test.each(['apigw_proxy_request.json', 'alb_request.json'])(
    '%s is of another front, and refused',
    async (file) => {
      await expect(seenBy(file)).rejects.toMatchObject({ code: 'EVENT_NOT_HTTP' })
    },
  )
})
