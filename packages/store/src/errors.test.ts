import { expect, test } from 'vitest'
import { StoreError } from './index.ts'

test.each([
  ['STORE_UNREACHABLE', false, true],
  ['STORE_UNAVAILABLE', false, true],
  ['STORE_UNAVAILABLE', true, false],
  ['STORE_ACCESS_DENIED', false, false],
] as const)('%s, unknown %s: retryable %s', (code, unknown, retryable) => {
  const error = new StoreError(code, 'it failed', { operation: 'put', store: 'memory:', unknown })
  expect(error.retryable).toBe(retryable)
})
