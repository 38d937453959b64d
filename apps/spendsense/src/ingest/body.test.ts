import { expect, test } from 'vitest'
import { RequestError } from '../errors.ts'
import { MAX_ROWS, readBody } from './body.ts'

const bytes = (body: unknown) =>
  new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body))

const line = {
  id: 't',
  account_id: 'a',
  user_id: 'u',
  date: '2026-06-30',
  amount: -1250,
  payment_channel: 'online',
  pending: false,
}

function refusal(body: unknown): RequestError {
  try {
    readBody(bytes(body))
  } catch (error) {
    if (error instanceof RequestError) return error
    throw error
  }
  throw new Error('the body was taken')
}

const problemsOf = (body: unknown) =>
  refusal(body).problems.map(({ pointer, detail }) => `${pointer} ${detail}`)

test('what is left out is null, and flags become 0 and 1', () => {
  const { transactions, users } = readBody(
    bytes({ transactions: [line, { ...line, id: 't2', pending: true }] }),
  )
  expect(transactions[0]).toEqual({
    ...line,
    pending: 0,
    merchant_name: null,
    merchant_entity_id: null,
    category_primary: null,
    category_detailed: null,
  })
  expect(transactions[1]?.pending).toBe(1)
  expect(users).toEqual([])
})

test('the sign of Plaid is turned round, and nothing becomes minus nothing', () => {
  const transactions = [line, { ...line, id: 't2', amount: 0 }]
  const read = readBody(bytes({ sign: 'plaid', transactions }))
  expect(read.transactions.map(({ amount }) => amount)).toEqual([1250, 0])
})

test.each(['', '{', 'null trailing', new Uint8Array([0x22, 0xff, 0x22])])('no JSON: %j', (body) => {
  const read = () => readBody(typeof body === 'string' ? bytes(body) : body)
  expect(read).toThrow(expect.objectContaining({ code: 'BODY_NOT_JSON', status: 400 }))
})

test.each(['null', '[]', '1', '"users"'])('JSON but no object: %s', (body) => {
  expect(refusal(body)).toMatchObject({ code: 'INVALID_BODY', status: 422 })
})

test('every problem is named with its place', () => {
  const body = {
    people: [],
    sign: 'minus',
    users: [{ id: 'u', name: '', created_on: '2026-02-30', admin: true }, 7],
    accounts: {},
    transactions: [
      { ...line, amount: 12.34, payment_channel: 'pigeon', pending: 'no' },
      { ...line, 'a/b~c': 1 },
    ],
    liabilities: [{ account_id: 'a', kind: 'credit', overdue: 0, minimum_payment: -1 }],
  }
  expect(problemsOf(body)).toEqual([
    '#/people unknown; the body has users, accounts, transactions, liabilities, sign',
    '#/sign must be "plaid" or left out',
    '#/users/0/admin unknown',
    '#/users/0/name must be text of 1 to 200 characters',
    '#/users/0/created_on must be a date as YYYY-MM-DD',
    '#/users/1 must be an object',
    '#/accounts must be a list of rows',
    '#/transactions/0/amount must be whole cents (12.34 dollars are 1234), at most 2147483647 either way',
    '#/transactions/0/payment_channel must be one of "online", "in store", "ach", "other"',
    '#/transactions/0/pending must be true or false (or 1 or 0)',
    '#/transactions/1/a~1b~0c unknown',
    '#/transactions/1/id "t" is in this request already',
    '#/liabilities/0/minimum_payment must be whole cents (12.34 dollars are 1234), 0 to 2147483647, or null',
  ])
})

test('a missing column is not an unknown one', () => {
  const { amount: _, ...without } = line
  expect(problemsOf({ transactions: [without] })).toEqual(['#/transactions/0/amount is missing'])
})

test.each(['a/b', 'a\\b', '.', '..', '', 'a\u0000b', 'a\nb', 'x'.repeat(201), '\ud800'])(
  'no id: %j',
  (id) => {
    const body = JSON.stringify({ transactions: [{ ...line, id }] })
    expect(problemsOf(body)).toHaveLength(1)
  },
)

test.each(['ünïcode', '用户-1', '🦊', 'a b', 'a%2Fb', '100%', 'a?b#c', '...'])('an id: %s', (id) => {
  expect(readBody(bytes({ transactions: [{ ...line, id }] })).transactions[0]?.id).toBe(id)
})

test('names that objects inherit are unknown columns, and no values', () => {
  expect(
    problemsOf('{"users":[{"__proto__":{"name":"x"},"id":"u","name":"n","created_on":"2026-01-01"}]}'),
  ).toEqual(['#/users/0/__proto__ unknown'])
  expect(problemsOf('{"users":[{"constructor":1}]}')).toContain('#/users/0/constructor unknown')
})

test('a name of any length that is no Unicode can be named', () => {
  const [pointer = ''] = problemsOf(`{"\\ud800${'x'.repeat(5000)}": 1}`)
  expect(pointer).toMatch(/^#\/%EF%BF%BDx{99} unknown/)
})

test('amounts stay within what both databases hold', () => {
  const amounts = [2 ** 31 - 1, -(2 ** 31) + 1]
  const transactions = amounts.map((amount, index) => ({ ...line, id: `t${index}`, amount }))
  expect(readBody(bytes({ transactions })).transactions.map(({ amount }) => amount)).toEqual(amounts)
  expect(problemsOf({ transactions: [{ ...line, amount: 2 ** 31 }] })).toHaveLength(1)
})

test(`more than ${MAX_ROWS} rows are refused, all tables together, before they are read`, () => {
  const users = Array.from({ length: MAX_ROWS }, (_, index) => ({
    id: `u${index}`,
    name: 'n',
    created_on: '2026-01-01',
  }))
  expect(readBody(bytes({ users })).users).toHaveLength(MAX_ROWS)
  expect(refusal({ users, transactions: [7] })).toMatchObject({
    code: 'TOO_MANY_ROWS',
    status: 413,
    problems: [],
  })
})

test('an answer lists the first hundred problems and counts them all', async () => {
  const response = refusal({ users: Array(250).fill(7) }).getResponse()
  const answer = JSON.parse(await response.text())
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  expect(answer).toMatchObject({ status: 422, code: 'INVALID_BODY', errorCount: 250 })
  expect(answer.errors).toHaveLength(100)
  expect(answer.errors[99]).toEqual({ pointer: '#/users/99', detail: 'must be an object' })
})
