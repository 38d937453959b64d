import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { WireRequest } from '../request.ts'
import { buildHttpApiEvent } from './event.ts'

const plain: WireRequest = {
  method: 'GET',
  path: '/',
  query: '',
  protocol: 'HTTP/1.1',
  headers: [],
  host: '',
  body: new Uint8Array(),
  clientAddress: '192.0.2.1',
  port: 80,
}

const context = {
  functionName: 'api',
  match: null,
  ids: { requestId: 'uuid', gatewayId: 'id', traceId: 'Root=1-5eb33c07-de25b420912dee103a5db434' },
  nowMs: 1_583_348_638_390,
}

const build = (request: Partial<WireRequest>) => buildHttpApiEvent({ ...plain, ...request }, context)

test('tells the time as API Gateway does', () => {
  expect(build({}).requestContext).toMatchObject({
    time: '04/Mar/2020:19:03:58 +0000',
    timeEpoch: 1_583_348_638_390,
  })
})

test('without a host header names a domain all the same', () => {
  const { requestContext, headers } = build({})
  expect(requestContext).toMatchObject({ domainName: 'localhost', domainPrefix: 'localhost' })
  expect(headers).not.toHaveProperty('host')
})

test('a path is what it was before it was encoded', () => {
  const segments = fc.array(fc.string({ unit: 'binary' }))
  fc.assert(
    fc.property(segments, (names) => {
      const path = `/${names.map(encodeURIComponent).join('/')}`
      expect(build({ path }).rawPath).toBe(`/${names.join('/')}`)
    }),
  )
})

test('a query is kept as sent, and read as forms are', () => {
  const pairs = fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })), {
    minLength: 1,
  })
  fc.assert(
    fc.property(pairs, (list) => {
      const query = list
        .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
        .join('&')
      const event = build({ query })
      expect(event.rawQueryString).toBe(query)
      const names = new Set(list.map(([name]) => name))
      expect(new Set(Object.keys(event.queryStringParameters ?? {}))).toEqual(names)
      for (const name of names) {
        const values = list.filter(([other]) => other === name).map(([, value]) => value)
        expect(event.queryStringParameters?.[name]).toBe(values.join(','))
      }
    }),
  )
})

test('no header gets lost, whatever its name', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/).map((text) => `x-${text}`)
  const headers = fc.array(fc.tuple(name, fc.stringMatching(/^[!-~]{0,20}$/)))
  fc.assert(
    fc.property(headers, (list) => {
      const event = build({ headers: list.flat() })
      for (const [sent] of list) {
        const values = list
          .filter(([other]) => other.toLowerCase() === sent.toLowerCase())
          .map(([, value]) => value)
        expect(event.headers[sent.toLowerCase()]).toBe(values.join(','))
      }
    }),
  )
  const odd = build({ headers: ['__proto__', 'a', 'constructor', 'b'] })
  expect(Object.entries(odd.headers)).toEqual(
    expect.arrayContaining([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]),
  )
})

test('a body is whole, whatever its bytes and its type', () => {
  const types = fc.constantFrom('text/html', 'application/json; charset=utf-8', 'image/png', '')
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), types, (body, type) => {
      const event = build({ body, headers: ['Content-Type', type] })
      expect(Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8')).toEqual(
        Buffer.from(body),
      )
    }),
  )
})
