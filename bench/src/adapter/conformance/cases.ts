import { Buffer } from 'node:buffer'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import type { SentRequest } from '../../../../packages/lambda/test/events.ts'
import type { Case, Scripted, Variety } from './exchange.ts'
import type { FrontName } from './fronts.ts'

// Where adapters fall: what a client sends, and what an application answers.

const HOST: [name: string, value: string] = ['Host', 'example.com']
const bytes = (text: string) => new Uint8Array(Buffer.from(text))
const png = new Uint8Array(Buffer.from('89504e470d0a1a0a0000ff00fe80', 'hex'))
export const plainAnswer: Scripted = {
  status: 200,
  headers: [['content-type', 'text/plain']],
  cookies: [],
  body: bytes('ok'),
}

interface Needs {
  readonly needsLists?: boolean
  readonly needsRawPath?: boolean
}

function request(name: string, sent: Partial<SentRequest>, needs: Needs = {}): Case {
  return {
    name,
    sent: { method: 'GET', target: '/', headers: [HOST], body: new Uint8Array(), ...sent },
    answer: plainAnswer,
    looksAt: 'request',
    needsLists: needs.needsLists ?? false,
    needsRawPath: needs.needsRawPath ?? false,
    variety: null,
  }
}

function variety(front: FrontName, name: string, target: string, changes: Variety['changes']): Case {
  return { ...request(name, { target, headers: [] }), variety: { front, changes } }
}

function path(target: string, needs?: Needs): Case {
  return request(`path ${target}`, { target }, needs)
}

function query(text: string, needs?: Needs): Case {
  return request(`query ${text}`, { target: `/search?${text}` }, needs)
}

function headers(name: string, sent: SentRequest['headers'], needs?: Needs): Case {
  return request(name, { headers: [HOST, ...sent] }, needs)
}

function body(name: string, type: string, content: Uint8Array, more: SentRequest['headers'] = []): Case {
  return request(name, { method: 'POST', headers: [HOST, ['Content-Type', type], ...more], body: content })
}

function answer(name: string, changes: Partial<Scripted>, needs: Needs = {}, method = 'GET'): Case {
  return {
    ...request(`answer: ${name}`, { method }, needs),
    answer: { ...plainAnswer, ...changes },
    looksAt: 'answer',
  }
}

function typed(name: string, type: string, content: Uint8Array<ArrayBuffer>, encoding?: string): Case {
  const coded: [string, string][] = encoding === undefined ? [] : [['content-encoding', encoding]]
  return answer(name, { headers: [['content-type', type], ...coded], body: content })
}

export const cases: readonly Case[] = [
  ...['HEAD', 'OPTIONS', 'DELETE', 'PATCH', 'POST'].map((method) =>
    request(`${method} without a body`, { method }),
  ),

  path('/api/stats'),
  path('/100%25/off?q=1'),
  path('/100%25zz'),
  path('/what%3F/x?q=1'),
  path('/c%23/x?q=1'),
  path('/a%20b/c?q=1'),
  path('/a+b/c%2Bd'),
  path('/%C3%BC/%E6%97%A5%E6%9C%AC'),
  path('/a/b%2Fc', { needsRawPath: true }),
  path('/a//b/'),
  path('//a/b'),
  path("/a;v=1,2/@x:y/(z)'!*~$&="),
  path('/%22%3C%3E%5C%5E%60%7B%7C%7D'),
  path('/prod/x'),

  query('plus=1+2&more=1%2B2&space=1%202'),
  query('comma=1,2&coded=1%2C2'),
  query('amp=a%26b%3Dc&percent=100%25&hash=%23'),
  query('empty=&none&last=1'),
  query('b=2&a=1&b=1', { needsLists: true }),
  query('id[]=1&id[]=2&filter%5Bx%5D=y', { needsLists: true }),
  query('name=%C3%BC%E6%97%A5&%E6%97%A5=1'),
  query('url=https://a.example/b?c=d'),
  query("quote='x'&star=*"),

  headers(
    'repeated headers',
    [
      ['X-A', '1'],
      ['X-A', '2'],
    ],
    { needsLists: true },
  ),
  headers('a header with commas', [['Accept', 'text/html, application/json;q=0.9, */*;q=0.1']]),
  headers('a date in a header', [['If-Modified-Since', 'Wed, 21 Oct 2026 07:28:00 GMT']]),
  headers('a header of Latin letters in UTF-8', [['X-Name', 'José']]),
  headers('a header in Japanese', [['X-Name', '日本']]),
  headers('an empty header', [['X-Empty', '']]),
  headers('cookies', [['Cookie', 'a=1; b="2, 3"; c=4%20; d=e=f']]),
  headers(
    'two Cookie headers',
    [
      ['Cookie', 'a=1'],
      ['Cookie', 'b=2'],
    ],
    { needsLists: true },
  ),
  request('no Host', { headers: [['User-Agent', 'ELB-HealthChecker/2.0']] }),
  headers('an Authorization header', [['Authorization', 'Basic dXNlcjpwYXNzd29yZA==']]),

  body('a JSON body', 'application/json', bytes('{"a":"ü €"}')),
  body('a form', 'application/x-www-form-urlencoded', bytes('a=1+2&b=%2B')),
  body('bytes', 'application/octet-stream', new Uint8Array([0x66, 0, 0xff, 0xed, 0xa0, 0x80])),
  body(
    'an upload',
    'multipart/form-data; boundary=x',
    new Uint8Array([...bytes('--x\r\n\r\n'), ...png, ...bytes('\r\n--x--')]),
  ),
  body('a compressed body', 'application/json', gzipSync('{}'), [['Content-Encoding', 'gzip']]),
  request('a body without a type', { method: 'PUT', body: bytes('plain') }),
  request('GET with a body', { body: bytes('{}'), headers: [HOST, ['Content-Type', 'application/json']] }),

  variety('REST API', 'a route that ends in {proxy+}', '/api/a/b?q=1', {
    resource: '/api/{proxy+}',
    pathParameters: { proxy: 'a/b' },
  }),
  variety('REST API', 'null maps', '/a', {
    headers: null,
    multiValueHeaders: null,
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    pathParameters: null,
    body: null,
  }),
  variety('REST API', 'empty lists beside single values', '/a?q=1', {
    queryStringParameters: { q: '1' },
    multiValueQueryStringParameters: {},
  }),
  variety('load balancer', 'null maps', '/a', { queryStringParameters: null, body: null }),
  variety('load balancer with lists', 'empty maps', '/a', { multiValueQueryStringParameters: {}, body: '' }),
  variety('HTTP API', 'null fields', '/a', { cookies: null, queryStringParameters: null, body: null }),
  variety('Function URL', 'an empty body', '/a?q=1', { cookies: [], body: '' }),

  typed('JSON', 'application/json', bytes('{"a":"ü €"}')),
  typed('a problem', 'application/problem+json; charset=utf-8', bytes('{}')),
  typed('HTML with a byte order mark', 'text/html; charset=utf-8', new Uint8Array([0xef, 0xbb, 0xbf, 0x61])),
  typed('SVG', 'image/svg+xml', bytes('<svg/>')),
  typed('PNG', 'image/png', png),
  typed('a font', 'font/woff2', png),
  typed('a PDF', 'application/pdf', png),
  typed('bytes', 'application/octet-stream', png),
  typed('a form', 'multipart/form-data; boundary=text/plain', png),
  typed('text in Latin-1', 'text/plain; charset=iso-8859-1', new Uint8Array([0x4a, 0x6f, 0x73, 0xe9])),
  typed('text in gzip', 'text/plain', new Uint8Array(gzipSync('x'.repeat(100))), 'gzip'),
  typed('JSON in Brotli', 'application/json', new Uint8Array(brotliCompressSync('{}')), 'br'),
  typed('text in no encoding', 'text/plain', bytes('ü'), 'identity'),
  answer('bytes without a type', { headers: [], body: png }),
  answer('nothing', { headers: [], body: bytes('') }),
  answer('300 KB', { headers: [['content-type', 'image/png']], body: new Uint8Array(300_000).fill(0xff) }),
  ...[201, 400, 404, 418, 500, 503].map((status) => answer(`${status}`, { status })),
  answer('204', { status: 204, headers: [], body: bytes('') }),
  answer('304', { status: 304, headers: [['etag', '"1"']], body: bytes('') }),
  answer('a redirect', { status: 302, headers: [['location', '/a?b=%20']], body: bytes('') }),
  answer('HEAD', { body: bytes('') }, {}, 'HEAD'),
  answer('repeated headers', {
    headers: [
      ['content-type', 'text/plain'],
      ['vary', 'Origin'],
      ['vary', 'Accept'],
    ],
  }),
  answer('a header with commas', {
    headers: [
      ['content-type', 'text/plain'],
      ['cache-control', 'public, max-age=60'],
    ],
  }),
  answer('a cookie', { cookies: ['a=1; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT'] }),
  answer(
    'three cookies',
    { cookies: ['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b="2, 3"; Path=/', 'c=3'] },
    { needsLists: true },
  ),
]
