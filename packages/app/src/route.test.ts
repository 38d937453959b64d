import { expect, test } from 'vitest'
import { ConfigError } from './errors.ts'
import { parseRoute } from './route.ts'

test.each([
  ['GET /', 'GET', '/'],
  ['GET /users/{user}/weekly-recap', 'GET', '/users/{user}/weekly-recap'],
  ['ANY /files/{path+}', 'ANY', '/files/{path+}'],
  ['PATCH /a.b/~c/(d)', 'PATCH', '/a.b/~c/(d)'],
])('%s is a route', (text, method, path) => {
  expect(parseRoute(text)).toEqual({ key: text, method, path })
})

test('$default is a route without a path', () => {
  expect(parseRoute('$default')).toEqual({ key: '$default', method: 'ANY', path: null })
})

test.each([
  ['', 'is no route'],
  ['/users', 'is no route'],
  ['GET  /users', 'is no route'],
  ['get /users', 'write GET'],
  ['TRACE /users', 'use one of ANY'],
  ['GET users', "must begin with '/'"],
  ['GET /users/', "a '/' at the end"],
  ['GET //users', 'empty segment'],
  ['GET /users/{id', 'mixes text and a parameter'],
  ['GET /users/u{id}', 'mixes text and a parameter'],
  ['GET /users/{}', 'mixes text and a parameter'],
  ['GET /{all+}/more', 'must come last'],
  ['GET /{id}/{id}', "'id' twice"],
  ['GET /a%20b', 'a character that a path cannot hold'],
  ['GET /a?b', 'a character that a path cannot hold'],
])('%j is refused: %s', (text, reason) => {
  expect(() => parseRoute(text)).toThrow(ConfigError)
  expect(() => parseRoute(text)).toThrow(reason)
})
