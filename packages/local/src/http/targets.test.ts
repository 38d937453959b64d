import { defineApp, type HttpFront, http } from '@thaw/app'
import { expect, test } from 'vitest'
import type { WireRequest } from './request.ts'
import { findTarget, planTargets } from './targets.ts'

type Functions = Parameters<typeof defineApp>[0]['functions']

/** The function that takes `GET /path`, and by which route; null for none. */
function takes(functions: Functions, line: string, host = 'localhost:3000', front: HttpFront | null = null) {
  const [method = '', path = ''] = line.split(' ')
  const targets = planTargets(defineApp({ name: 'app', functions }).functions, front)
  const found = findTarget(targets, { method, path, host } as WireRequest)
  return found && [found.target.functionName, found.target.front, found.match?.route.key ?? null]
}

const entry = './src/api.ts'

test('a function behind a Function URL has a host of its own', () => {
  const functions = {
    api: http(entry),
    files: http(entry, { front: 'function-url' }),
    Other: http(entry, { front: 'function-url' }),
  }
  const files = ['files', 'function-url', null]
  expect(takes(functions, 'GET /x', 'files.lambda-url.localhost:3000')).toEqual(files)
  expect(takes(functions, 'GET /x', 'FILES.lambda-url.localhost')).toEqual(files)
  expect(takes(functions, 'GET /x', 'other.lambda-url.localhost')).toEqual(['Other', 'function-url', null])
  expect(takes(functions, 'GET /x', 'api.lambda-url.localhost')).toBeNull()
  expect(takes(functions, 'GET /x')).toEqual(['api', 'http-api', '$default'])
})

test('the only one gets what no other function takes', () => {
  const files = http(entry, { front: 'function-url' })
  expect(takes({ files }, 'GET /x')).toEqual(['files', 'function-url', null])
  const users = http(entry, { route: 'GET /users' })
  expect(takes({ files, users }, 'GET /users')).toEqual(['users', 'http-api', 'GET /users'])
  expect(takes({ files, users }, 'GET /x')).toEqual(['files', 'function-url', null])
  expect(takes({ files, more: files, users }, 'GET /x')).toBeNull()
})

test('a REST API names the most specific resource, whichever route has the method', () => {
  const one = http(entry, { front: 'rest-api', route: ['GET /users/{id}', 'GET /users'] })
  const two = http(entry, { front: 'rest-api' })
  expect(takes({ one, two }, 'GET /users/1')).toEqual(['one', 'rest-api', 'GET /users/{id}'])
  expect(takes({ one, two }, 'POST /users/1')).toEqual(['two', 'rest-api', 'GET /users/{id}'])
  expect(takes({ one, two }, 'POST /other')).toEqual(['two', 'rest-api', '$default'])
  expect(takes({ one }, 'POST /users/1')).toBeNull()
})

test('what says that nothing was found is the first front that has routes', () => {
  const fallback = (front: HttpFront) =>
    planTargets(defineApp({ name: 'app', functions: { one: http(entry, { front }) } }).functions, null)
      .fallback
  expect((['rest-api', 'alb', 'http-api', 'function-url'] as const).map(fallback)).toEqual([
    'rest-api',
    'alb',
    'http-api',
    'function-url',
  ])
})

test('one front may stand before every function', () => {
  const functions = {
    api: http(entry, { route: 'GET /users' }),
    files: http(entry, { front: 'function-url', stream: true }),
  }
  for (const front of ['http-api', 'rest-api', 'alb'] as const) {
    expect(takes(functions, 'GET /users', 'x', front)).toEqual(['api', front, 'GET /users'])
    expect(takes(functions, 'GET /x', 'x', front)).toEqual(['files', front, '$default'])
  }
  expect(takes(functions, 'GET /users', 'x', 'function-url')).toEqual(['api', 'function-url', null])
  expect(takes(functions, 'GET /', 'api.lambda-url.localhost', 'function-url')).toEqual([
    'api',
    'function-url',
    null,
  ])
})
