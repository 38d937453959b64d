import { parseRoute } from '@thaw/app'
import { expect, test } from 'vitest'
import { restMethods, restRouteProblems } from './rest-routes.ts'

/** `GET /a → owner` for each method. */
function methods(routes: Readonly<Record<string, string>>): string[] {
  const owned = Object.entries(routes).map(([key, owner]) => ({ ...parseRoute(key), owner }))
  return restMethods(owned).map(({ method, path, owner }) => `${method} ${path} → ${owner}`)
}

test('a default route takes the root and everything below', () => {
  expect(methods({ $default: 'api' })).toEqual(['ANY / → api', 'ANY /{proxy+} → api'])
})

test('routes alone leave everything else without a method', () => {
  expect(methods({ 'GET /users/{id}': 'users', 'ANY /files/{path+}': 'files' })).toEqual([
    'ANY /files/{path+} → files',
    'GET /users/{id} → users',
  ])
})

test('what a resource has no route for goes where an HTTP API would send it', () => {
  expect(methods({ $default: 'api', 'GET /users/{id}': 'users', 'ANY /users': 'list' })).toEqual([
    'ANY / → api',
    'ANY /users → list',
    'ANY /users/{id} → api',
    'GET /users/{id} → users',
    'ANY /users/{id}/{proxy+} → api',
    'ANY /{proxy+} → api',
  ])
  expect(methods({ 'GET /a/{rest+}': 'all', 'POST /a/b/c': 'c' })).toEqual([
    'GET /a/b → all',
    'GET /a/b/c → all',
    'POST /a/b/c → c',
    'GET /a/b/c/{proxy+} → all',
    'GET /a/b/{proxy+} → all',
    'GET /a/{rest+} → all',
  ])
})

test('what a REST API cannot be told is named', () => {
  const problems = (...keys: string[]) => restRouteProblems(keys.map(parseRoute))
  expect(problems('GET /users/{id}', 'POST /users/{id}/x', 'GET /{all}', '$default')).toEqual([])
  expect(problems('GET /users/{id}', 'POST /users/{user}/x')).toEqual([
    `'GET /users/{id}' and 'POST /users/{user}/x' name one place {id} and {user}, and a REST API takes one: name both alike`,
  ])
  expect(problems('GET /a/{id}', 'GET /a/{rest+}')).toHaveLength(1)
  expect(problems("GET /it's")).toEqual([expect.stringContaining(`'it's' of 'GET /it's' has a character`)])
})
