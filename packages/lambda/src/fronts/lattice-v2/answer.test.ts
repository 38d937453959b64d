import { expect, test } from 'vitest'
import { writeLatticeV2Answer } from './answer.ts'

test('a name has one value, so that each cookie has a spelling of its own', () => {
  const headers = { a: 'b' }
  expect(
    writeLatticeV2Answer({ status: 201, headers, cookies: ['a=1', 'b=2'], body: 'AA==', base64: true }),
  ).toEqual({
    statusCode: 201,
    statusDescription: '201 Created',
    headers: { a: 'b', 'set-cookie': 'a=1', 'Set-cookie': 'b=2' },
    body: 'AA==',
    isBase64Encoded: true,
  })
})
