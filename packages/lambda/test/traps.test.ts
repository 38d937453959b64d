import { Buffer } from 'node:buffer'
import { describe, expect, test } from 'vitest'
import { type LogRecord, serve } from '../src/index.ts'
import {
  albEvent,
  functionUrlEvent,
  httpApiEvent,
  lambdaContext,
  latticeEvent,
  restApiEvent,
  type SentRequest,
} from './events.ts'

// Where adapters fall, each on every front.

const fronts: [name: string, encode: (sent: SentRequest) => Record<string, unknown>][] = [
  ['an HTTP API', (sent) => httpApiEvent(sent)],
  ['an HTTP API with a stage', (sent) => httpApiEvent(sent, 'prod')],
  ['a Function URL', functionUrlEvent],
  ['a REST API', (sent) => restApiEvent(sent)],
  ['a load balancer', (sent) => albEvent(sent, false)],
  ['a load balancer with multi-value headers', (sent) => albEvent(sent, true)],
  ['VPC Lattice', latticeEvent],
]

const sent = (changes: Partial<SentRequest> = {}): SentRequest => ({
  method: 'GET',
  target: '/',
  headers: [['Host', 'example.com']],
  body: new Uint8Array(),
  ...changes,
})

interface Answer {
  statusCode: number
  headers: Record<string, string>
  cookies: string[]
  body: Buffer | null
  isBase64Encoded: boolean
}

/** An answer of any front, in one form. */
function read(answer: unknown): Answer {
  const { statusCode, headers, multiValueHeaders, cookies, body, isBase64Encoded } = JSON.parse(
    JSON.stringify(answer),
  )
  const lists = Object.entries<string[]>(multiValueHeaders ?? {})
  const pairs = [
    ...Object.entries<string>(headers ?? {}),
    ...lists.flatMap(([name, list]) => list.map((value) => [name, value] as [string, string])),
  ]
  const isCookie = ([name]: [string, string]) => name.toLowerCase() === 'set-cookie'
  return {
    statusCode,
    headers: Object.fromEntries(pairs.filter((pair) => !isCookie(pair))),
    cookies: cookies ?? pairs.filter(isCookie).map(([, value]) => value),
    body: body === undefined ? null : Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'),
    isBase64Encoded,
  }
}

describe.each(fronts)('%s', (name, encode) => {
  const ask = async (
    request: SentRequest,
    app: (request: Request) => Response | Promise<Response>,
    options = {},
  ) =>
    read(
      await serve(app, { log: () => {}, ...options })(
        JSON.parse(JSON.stringify(encode(request))),
        lambdaContext(),
      ),
    )
  async function seen<T>(
    request: SentRequest,
    look: (request: Request) => T | Promise<T>,
    options = {},
  ): Promise<T> {
    let value: T | undefined
    const { statusCode } = await ask(
      request,
      async (request) => {
        value = await look(request)
        return new Response()
      },
      options,
    )
    expect(statusCode).toBe(200)
    return value as T
  }

  // Of what is repeated, a load balancer in its default mode tells the last.
  const tellsAll = name !== 'a load balancer'

  test.skipIf(!tellsAll)('repeated headers are all there', async () => {
    const headers: [string, string][] = [
      ['Host', 'example.com'],
      ['X-A', '1'],
      ['X-A', '2'],
    ]
    expect(await seen(sent({ headers }), ({ headers }) => headers.get('x-a')?.split(/, ?/))).toEqual([
      '1',
      '2',
    ])
  })

  test.skipIf(!tellsAll)(
    'repeated keys of the query are all there, in order, also beside others',
    async () => {
      const target = '/?b=2&a=1&b=1'
      expect(await seen(sent({ target }), ({ url }) => new URL(url).searchParams.getAll('b'))).toEqual([
        '2',
        '1',
      ])
    },
  )

  test('plus and %2B, commas, ampersands and percent signs of the query keep their meaning', async () => {
    const target = '/?plus=1+2&more=1%2B2&comma=1,2&amp=a%26b%3Dc&percent=100%25&none'
    const query = await seen(sent({ target }), ({ url }) => Object.fromEntries(new URL(url).searchParams))
    expect(query).toEqual({ plus: '1 2', more: '1+2', comma: '1,2', amp: 'a&b=c', percent: '100%', none: '' })
  })

  test('a path keeps its percent signs, question marks, hashes and spaces, and the query behind them', async () => {
    const target = '/100%25/what%3F/c%23/a%20b/%C3%BC?q=1'
    const url = await seen(sent({ target }), ({ url }) => url)
    expect(decodeURIComponent(new URL(url).pathname)).toBe('/100%/what?/c#/a b/ü')
    expect(new URL(url).search).toBe('?q=1')
  })

  test('a base path goes, as whole segments', async () => {
    const options = { basePath: '/v1' }
    expect(await seen(sent({ target: '/v1/x' }), ({ url }) => new URL(url).pathname, options)).toBe('/x')
    expect(await seen(sent({ target: '/v10/x' }), ({ url }) => new URL(url).pathname, options)).toBe('/v10/x')
  })

  test('cookies are one header', async () => {
    const headers: [string, string][] = [
      ['Host', 'example.com'],
      ['Cookie', 'a=1; b="2, 3"; c=4%20'],
    ]
    expect(await seen(sent({ headers }), ({ headers }) => headers.get('cookie'))).toBe(
      'a=1; b="2, 3"; c=4%20',
    )
  })

  test('a request without a host has one', async () => {
    const { host, url } = await seen(sent({ headers: [] }), ({ headers, url }) => ({
      host: headers.get('host'),
      url,
    }))
    expect(new URL(url).host).toBe(host)
  })

  test('a body is bytes; with GET it is no error', async () => {
    const body = new Uint8Array([0x66, 0, 0xff, 0xed, 0xa0, 0x80])
    const bytes = async (request: Request) => [...new Uint8Array(await request.arrayBuffer())]
    expect(await seen(sent({ method: 'POST', body }), bytes)).toEqual([...body])
    expect(await seen(sent({ method: 'GET', body }), bytes)).toEqual([])
  })

  test('a body that is marked as base64 and is none is an error that says so, and nobody is called', async () => {
    const records: LogRecord[] = []
    const handler = serve(() => expect.unreachable(), { log: (record) => void records.push(record) })
    const body = { body: 'no base64!', isBase64Encoded: true }
    const answer = read(await handler({ ...encode(sent({ method: 'POST' })), ...body }, lambdaContext()))
    expect(answer.statusCode).toBe(500)
    expect(JSON.parse(String(answer.body))).toMatchObject({ code: 'EVENT_MALFORMED' })
    expect(records).toMatchObject([{ level: 'ERROR', status: 500, error: { code: 'EVENT_MALFORMED' } }])
  })

  test('a body that is no JSON is the mistake of the client', async () => {
    const records: LogRecord[] = []
    const answer = await ask(
      sent({ method: 'POST', body: Buffer.from('{"a":') }),
      async (request) => Response.json(await request.json()),
      { log: (record: LogRecord) => records.push(record), logRequests: true },
    )
    expect(answer.statusCode).toBe(400)
    expect(JSON.parse(String(answer.body))).toMatchObject({ detail: expect.stringContaining('JSON') })
    expect(records).toMatchObject([{ level: 'INFO', status: 400, error: { name: 'SyntaxError' } }])
  })

  test('each cookie that is set stays its own, with the comma of its date', async () => {
    const set = ['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2', 'c=3']
    const { cookies } = await ask(sent(), () => {
      const response = new Response()
      for (const cookie of set) response.headers.append('set-cookie', cookie)
      return response
    })
    expect(cookies).toEqual(set)
  })

  test('binary and compressed bodies go in base64, text as text', async () => {
    const bytes = new Uint8Array([0x1f, 0x8b, 0])
    const answer = async (type: string, encoding?: string, body: string | Uint8Array<ArrayBuffer> = bytes) =>
      ask(
        sent(),
        () =>
          new Response(body, {
            headers: { 'content-type': type, ...(encoding && { 'content-encoding': encoding }) },
          }),
      )
    for (const given of [
      await answer('image/png'),
      await answer('text/plain', 'gzip'),
      await answer('text/plain'),
    ]) {
      expect(given).toMatchObject({ isBase64Encoded: true, body: Buffer.from(bytes) })
    }
    expect(await answer('application/json', undefined, '"ü"')).toMatchObject({ isBase64Encoded: false })
  })

  test.each([
    ['GET', 204],
    ['GET', 304],
    ['HEAD', 200],
  ])('%s answered with %i has no body', async (method, status) => {
    const body = method === 'HEAD' ? 'not sent' : null
    const answer = await ask(sent({ method }), () => new Response(body, { status }))
    expect(answer).toMatchObject({ statusCode: status, body: null })
  })

  test('a value that no header can have is an error, and said to be one', async () => {
    const records: LogRecord[] = []
    const app = () => new Response(null, { headers: { 'x-a': 'bell \x07' } })
    const answer = await ask(sent(), app, { log: (record: LogRecord) => records.push(record) })
    expect(answer.statusCode).toBe(500)
    expect(records).toMatchObject([{ error: { code: 'RESPONSE_INVALID' } }])
  })

  test('an answer over the limit is an error that names it', async () => {
    const answer = await ask(sent(), () => new Response(new Uint8Array(5_000_000)))
    expect(answer.statusCode).toBe(502)
    expect(JSON.parse(String(answer.body))).toMatchObject({ code: 'RESPONSE_TOO_LARGE' })
  })
})
