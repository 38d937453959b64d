import { expect, test } from 'vitest'
import { matchRoute } from './match.ts'
import { parseRoute } from './route.ts'

const keys = [
  '$default',
  'ANY /{all+}',
  'GET /pets/{rest+}',
  'GET /pets/{kind}/1',
  'GET /pets/dog/{id}',
  'GET /pets/dog/1',
  'ANY /pets/dog/1',
  'POST /pets',
  'GET /',
]

function find(method: string, path: string, from: readonly string[] = keys) {
  const match = matchRoute(from.map(parseRoute), method, path)
  return match === null ? null : [match.route.key, match.parameters]
}

test.each([
  // The first three are the example of the developer guide.
  ['GET', '/pets/dog/1', 'GET /pets/dog/1', {}],
  ['GET', '/pets/dog/2', 'GET /pets/dog/{id}', { id: '2' }],
  ['GET', '/pets/cat/3', 'GET /pets/{rest+}', { rest: 'cat/3' }],
  ['GET', '/pets/cat/1', 'GET /pets/{kind}/1', { kind: 'cat' }],
  ['POST', '/pets/dog/1', 'ANY /pets/dog/1', {}],
  ['POST', '/pets', 'POST /pets', {}],
  ['GET', '/pets', 'ANY /{all+}', { all: 'pets' }],
  ['POST', '/test/5', 'ANY /{all+}', { all: 'test/5' }],
  ['GET', '/', 'GET /', {}],
  ['GET', '', 'GET /', {}],
  ['POST', '/', '$default', {}],
])('%s %s goes to %s', (method, path, key, parameters) => {
  expect(find(method, path)).toEqual([key, parameters])
  // The order in which routes are given makes no difference.
  expect(find(method, path, [...keys].reverse())).toEqual([key, parameters])
})

test('nothing fits: null', () => {
  expect(find('GET', '/b', ['GET /a'])).toBeNull()
  expect(find('POST', '/a', ['GET /a'])).toBeNull()
  expect(find('HEAD', '/a', ['GET /a'])).toBeNull()
})

test('a slash at the end makes another path, and no parameter is empty', () => {
  expect(find('GET', '/a/', ['GET /a'])).toBeNull()
  expect(find('GET', '/a/', ['GET /a/{id}'])).toBeNull()
  expect(find('GET', '/a/', ['GET /a/{rest+}'])).toBeNull()
  expect(find('GET', '/a', ['GET /a/{rest+}'])).toBeNull()
  expect(find('GET', '/', ['GET /{rest+}'])).toBeNull()
  expect(find('GET', '/a/b/', ['GET /a/{rest+}'])).toEqual(['GET /a/{rest+}', { rest: 'b/' }])
})

test('parameters are decoded, an encoded slash parts nothing, and a malformed escape stays', () => {
  const routes = ['GET /u/{id}']
  expect(find('GET', '/u/J%C3%BCrgen%20%26%20co', routes)).toEqual(['GET /u/{id}', { id: 'Jürgen & co' }])
  expect(find('GET', '/u/a%2Fb', routes)).toEqual(['GET /u/{id}', { id: 'a/b' }])
  expect(find('GET', '/u/100%', routes)).toEqual(['GET /u/{id}', { id: '100%' }])
  expect(find('GET', '/u/a+b', routes)).toEqual(['GET /u/{id}', { id: 'a+b' }])
  expect(find('GET', '/%75/1', routes)).toEqual(['GET /u/{id}', { id: '1' }])
})

test('a parameter may have any name', () => {
  expect(matchRoute([parseRoute('GET /{__proto__}')], 'GET', '/x')?.parameters).toHaveProperty(
    ['__proto__'],
    'x',
  )
})

test('among greedy routes the longer fixed beginning wins', () => {
  expect(find('GET', '/a/b/c', ['GET /{x+}', 'GET /a/{y}/{x+}', 'GET /a/b/{x+}'])?.[0]).toBe('GET /a/b/{x+}')
})

test('the route that comes back is the one that was given', () => {
  const routes = [{ ...parseRoute('GET /a'), owner: 'api' }]
  expect(matchRoute(routes, 'GET', '/a')?.route.owner).toBe('api')
})
