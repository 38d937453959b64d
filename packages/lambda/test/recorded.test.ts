import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { serve } from '../src/index.ts'
import { lambdaContext } from './events.ts'

// Events of others, kept beside the repository where they are kept at all.
const folder = new URL('../../../../shared/corpora/lambda-events/', import.meta.url)

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
    [
      'apigw_request_path_with_space.json',
      {
        line: 'POST https://id.execute-api.us-east-1.amazonaws.com/my/path-with%20space?parameter1=value1&parameter1=value2&parameter2=value',
        cookie: 'cookie1=value1; cookie2=value2',
        host: 'id.execute-api.us-east-1.amazonaws.com',
        body: 'Hello from Lambda',
      },
    ],
    [
      'apigw_proxy_request.json',
      {
        line: 'GET https://wt6mne2s9k.execute-api.us-west-2.amazonaws.com/hello?name=me',
        cookie: null,
        host: 'wt6mne2s9k.execute-api.us-west-2.amazonaws.com',
        body: '',
      },
    ],
    [
      'apigw_multi_value_proxy_request.json',
      {
        line: 'POST https://gy415nuibc.execute-api.us-east-1.amazonaws.com/hello/world?name=me&multiValueName=you&multiValueName=me',
        cookie: null,
        host: 'gy415nuibc.execute-api.us-east-1.amazonaws.com',
        body: '{\r\n\t"a": 1\r\n}',
      },
    ],
    [
      'apigw_no_host.json',
      { line: 'GET https://localhost/hello?name=me', cookie: null, host: 'localhost', body: '' },
    ],
    [
      'alb_request.json',
      {
        line: 'GET https://lambda-846800462-us-east-2.elb.amazonaws.com/?myKey=val2',
        cookie: 'cookies',
        host: 'lambda-846800462-us-east-2.elb.amazonaws.com',
        body: '',
      },
    ],
    [
      'alb_request_encoded_query_parameters.json',
      {
        line: 'GET https://lambda-846800462-us-east-2.elb.amazonaws.com/?myKey=%3FshowAll%3Dtrue',
        cookie: 'cookies',
        host: 'lambda-846800462-us-east-2.elb.amazonaws.com',
        body: '',
      },
    ],
    [
      'alb_multi_value_request.json',
      {
        line: 'GET https://lambda-846800462-us-east-2.elb.amazonaws.com/?myKey=val1&myKey=val2&myOtherKey=val3&myOtherKey=val4',
        cookie: 'name1=value1; name2=value2',
        host: 'lambda-846800462-us-east-2.elb.amazonaws.com',
        body: '',
      },
    ],
    [
      'alb_multi_value_request_encoded_query_parameters.json',
      {
        line: 'GET https://lambda-846800462-us-east-2.elb.amazonaws.com/?myKey=%3FshowAll%3Dtrue&myKey=%3FshowAll%3Dfalse',
        cookie: 'name1=value1; name2=value2',
        host: 'lambda-846800462-us-east-2.elb.amazonaws.com',
        body: '',
      },
    ],
    ['alb_health_check.json', { line: 'GET https://localhost/', cookie: null, host: 'localhost', body: '' }],
    [
      'alb_no_host.json',
      { line: 'GET https://localhost/v1/health/', cookie: null, host: 'localhost', body: '' },
    ],
  ])('%s', async (file, expected) => {
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
