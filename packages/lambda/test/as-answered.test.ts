import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { serve } from '../src/index.ts'
import {
  albEvent,
  functionUrlEvent,
  httpApiEvent,
  lambdaContext,
  latticeEvent,
  restApiEvent,
} from './events.ts'

/** What a front puts on the wire for an answer: the JSON is read, characters of headers and text become UTF-8. */
function onTheWire(json: string): {
  status: number
  headers: Record<string, string>
  cookies: string[]
  body: string
} {
  const answer = JSON.parse(json)
  const wire = (value: string) => Buffer.from(value, 'utf8').toString('hex')
  const pairs = [
    ...Object.entries<string>(answer.headers ?? {}),
    ...Object.entries<string[]>(answer.multiValueHeaders ?? {}).flatMap(([name, values]) =>
      values.map((value): [string, string] => [name, value]),
    ),
    ...(answer.cookies ?? []).map((cookie: string) => ['set-cookie', cookie]),
  ].map(([name, value]) => [name.toLowerCase(), wire(value)] as const)
  return {
    status: answer.statusCode,
    headers: Object.fromEntries(pairs.filter(([name]) => name !== 'set-cookie')),
    cookies: pairs.filter(([name]) => name === 'set-cookie').map(([, value]) => value),
    body: Buffer.from(answer.body ?? '', answer.isBase64Encoded ? 'base64' : 'utf8').toString('hex'),
  }
}

const sent = { method: 'GET', target: '/', headers: [], body: new Uint8Array() }
const fronts = [
  ['an HTTP API', httpApiEvent(sent)],
  ['a Function URL', functionUrlEvent(sent)],
  ['a REST API', restApiEvent(sent)],
  ['a load balancer', albEvent(sent, false)],
  ['a load balancer with multi-value headers', albEvent(sent, true)],
  ['VPC Lattice', latticeEvent(sent)],
] as const

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 80 }),
  fc
    .string({ unit: 'binary', maxLength: 40 })
    .map((text) => new Uint8Array(Buffer.from(text.toWellFormed()))),
  fc.constant(new Uint8Array([0xef, 0xbb, 0xbf, 0x61, 0x00])),
  fc.constant(new Uint8Array([0xed, 0xa0, 0x80])),
)
const contentType = fc.constantFrom(
  null,
  'text/html; charset=utf-8',
  'text/plain;charset=iso-8859-1',
  'application/json',
  'application/problem+json',
  'image/svg+xml',
  'image/png',
  'application/octet-stream',
  'multipart/mixed; boundary=text/plain',
  'TEXT/CSV',
  '',
)
const encoding = fc.constantFrom(null, 'gzip', 'br', 'identity')
// Header values are bytes: what an application writes is UTF-8, in the one character a byte that `Headers` wants.
const headerValue = fc
  .string({ unit: 'grapheme', maxLength: 10 })
  .map((text) => text.replace(/\p{C}/gu, '').trim())
  .map((text) => Buffer.from(text).toString('latin1'))
const hex = (latin1: string) => Buffer.from(latin1, 'latin1').toString('hex')

test.each(fronts)(
  'through %s the client gets what the application answered, byte for byte',
  async (_name, event) => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(200, 201, 301, 404, 418, 500, 599),
        bytes,
        contentType,
        encoding,
        headerValue,
        fc.array(fc.stringMatching(/^\w=[\w, ]{0,6}$/), { maxLength: 3 }),
        async (status, body, type, encoding, value, cookies) => {
          const headers = new Headers({ 'x-value': value })
          if (type !== null) headers.set('content-type', type)
          if (encoding !== null) headers.set('content-encoding', encoding)
          for (const cookie of cookies)
            headers.append('set-cookie', `${cookie}; Expires=Wed, 21 Oct 2026 07:28:00 GMT`)
          const expected = {
            status,
            headers: Object.fromEntries(
              [...headers]
                .filter(([name]) => name !== 'set-cookie')
                .map(([name, value]) => [name, hex(value)]),
            ),
            cookies: headers.getSetCookie().map(hex),
            body: Buffer.from(body).toString('hex'),
          }
          const handler = serve(() => new Response(new Uint8Array(body), { status, headers }))
          expect(onTheWire(JSON.stringify(await handler(event, lambdaContext())))).toEqual(expected)
        },
      ),
      { numRuns: 200 },
    )
  },
)
