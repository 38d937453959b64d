import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { computeFeatures } from '../src/features/features.ts'
import { type Answer, type Client, client } from './client.ts'
import { account, card, transaction } from './rows.ts'
import { seed, seedHistory, seedStats } from './seed.ts'

export interface Running {
  /** Where it answers, without a path. */
  readonly url: string
  close(): Promise<void>
}

const SAMPLE = seed.users.filter((_, index) => index % 12 === 4).map(({ id }) => id)

/**
 * What SpendSense promises over HTTP, wherever it runs. `start` starts it over an empty database, which it
 * migrates and seeds itself.
 */
export function applicationTests(name: string, start: () => Promise<Running>): void {
  describe(name, () => {
    let running: Running | undefined
    let api: Client
    beforeAll(async () => {
      running = await start()
      api = client(running.url)
    })
    afterAll(() => running?.close())

    const stats = async () => (await api.get('/api/stats')).json

    test('it starts with what data/ holds', async () => {
      expect(await api.get('/api/stats')).toEqual({ status: 200, type: 'application/json', json: seedStats })
    })

    test('users come in pages, each once', async () => {
      const found = []
      let next: string | null = ''
      while (next !== null) {
        const after: string = next === '' ? '' : `&after=${encodeURIComponent(next)}`
        const { status, json } = await api.get(`/users?limit=20${after}`)
        expect(status).toBe(200)
        expect(json.users.length).toBeGreaterThan(0)
        found.push(...json.users)
        next = json.next
      }
      expect(found).toEqual(seed.users)
      const { json } = await api.get('/users')
      expect([json.users.length, json.next]).toEqual([50, 'user-050'])
    })

    test('one user', async () => {
      expect(await api.get('/users/user-042')).toMatchObject({ status: 200, json: seed.users[41] })
    })

    test.each(SAMPLE)('features of %s are those of the same rows computed here', async (id) => {
      const before = await stats()
      const history = seedHistory(id)
      const first = await api.post(`/features/compute/${id}`)
      expect(first).toMatchObject({ status: 200, json: { userId: id, asOf: history.asOf } })
      expect(first.json.windows).toEqual({
        30: computeFeatures(history, 30),
        180: computeFeatures(history, 180),
      })
      expect(new Date(first.json.computedAt).toISOString()).toBe(first.json.computedAt)
      // Again replaces.
      expect((await api.post(`/features/compute/${id}`)).json.windows).toEqual(first.json.windows)
      expect((await stats()).features).toBe(before.features + 2)
    })

    test('features as of an earlier day', async () => {
      const history = seedHistory('user-003', '2026-08-15')
      const { json } = await api.post('/features/compute/user-003?asOf=2026-08-15')
      expect(json).toMatchObject({ asOf: '2026-08-15' })
      expect(json.windows[30]).toEqual(computeFeatures(history, 30))
      expect(json.windows[30]).not.toEqual(computeFeatures(seedHistory('user-003'), 30))
    })

    test.each([30, 180] as const)('a profile over %i days', async (window) => {
      const history = seedHistory('user-022')
      expect(await api.get(`/profile/user-022?window=${window}`)).toMatchObject({
        status: 200,
        json: {
          user: seed.users[21],
          accounts: history.accounts,
          window,
          asOf: history.asOf,
          storedAt: null,
        },
      })
      const { json } = await api.get(`/profile/user-022?window=${window}`)
      expect(json.features).toEqual(computeFeatures(history, window))
    })

    test('a profile says when its features were stored', async () => {
      const { computedAt } = (await api.post('/features/compute/user-075')).json
      expect((await api.get('/profile/user-075')).json).toMatchObject({ window: 30, storedAt: computedAt })
    })

    test('what is ingested shows up everywhere', async () => {
      const before = await stats()
      const sent = await api.post('/ingest/', aPerson('new'))
      expect(sent).toMatchObject({
        status: 201,
        json: { users: 1, accounts: 2, transactions: 3, liabilities: 1 },
      })
      expect(sent.json.durationMs).toBeGreaterThanOrEqual(0)
      expect(await stats()).toEqual({
        ...before,
        users: before.users + 1,
        accounts: before.accounts + 2,
        transactions: before.transactions + 3,
        liabilities: before.liabilities + 1,
        ingests: before.ingests + 1,
        totalInCents: before.totalInCents + 100_000,
        totalOutCents: before.totalOutCents - 7500,
      })
      expect((await api.get('/profile/new')).json).toMatchObject({
        user: { id: 'new', email: null },
        asOf: '2026-06-20',
        features: { spend: 3000, credit: { highestUtilisation: 0.25, minimumPaymentOnly: true } },
      })
    })

    test('a row sent again replaces the one before', async () => {
      await api.post('/ingest/', aPerson('again'))
      const before = await stats()
      const changed = { ...aPerson('again').transactions[0], amount: -9000, merchant_name: null }
      expect(await api.post('/ingest/', { transactions: [changed] })).toMatchObject({
        status: 201,
        json: { users: 0, accounts: 0, transactions: 1, liabilities: 0 },
      })
      expect(await stats()).toEqual({
        ...before,
        ingests: before.ingests + 1,
        totalOutCents: before.totalOutCents - 6000,
      })
    })

    test("Plaid's sign is turned round", async () => {
      const before = await stats()
      await api.post('/ingest', { ...aPerson('plaid'), sign: 'plaid' })
      expect(await stats()).toMatchObject({
        totalInCents: before.totalInCents + 7500,
        totalOutCents: before.totalOutCents - 100_000,
      })
    })

    test('many rows at once', async () => {
      await api.post('/ingest', aPerson('many'))
      const before = await stats()
      const transactions = Array.from({ length: 2500 }, (_, index) => ({
        ...transaction('2026-06-02', -1 - (index % 7)),
        id: `many-row-${index}`,
        account_id: 'many-chk',
        user_id: 'many',
      }))
      expect(await api.post('/ingest', { transactions })).toMatchObject({
        status: 201,
        json: { transactions: 2500 },
      })
      expect((await stats()).transactions).toBe(before.transactions + 2500)
    })

    test('a request with a key is served once, and a repeat gets the first answer', async () => {
      const body = JSON.stringify(aPerson('keyed'))
      const key = { 'idempotency-key': 'first of keyed' }
      const before = await stats()
      const [first, ...others] = await Promise.all([1, 2, 3].map(() => api.post('/ingest', body, key)))
      expect(first).toMatchObject({ status: 201, json: { users: 1, transactions: 3 } })
      for (const other of others) expect(other).toEqual(first)
      expect((await stats()).ingests).toBe(before.ingests + 1)

      const changed = { ...aPerson('keyed').users[0], name: 'Changed since' }
      await api.post('/ingest', { users: [changed] })
      expect(await api.post('/ingest', body, key)).toEqual(first)
      expect((await api.get('/users/keyed')).json).toMatchObject({ name: 'Changed since' })
    })

    test('a key belongs to its body', async () => {
      const key = { 'idempotency-key': 'of one body' }
      expect((await api.post('/ingest', aPerson('key-a'), key)).status).toBe(201)
      expect(await api.post('/ingest', aPerson('key-b'), key)).toMatchObject(problem(422, 'KEY_REUSED'))
      expect((await api.get('/users/key-b')).status).toBe(404)
      expect(await api.post('/ingest', aPerson('key-c'), { 'idempotency-key': 'é' })).toMatchObject(
        problem(400, 'INVALID_KEY'),
      )
    })

    test('a refused request does not use its key up', async () => {
      const key = { 'idempotency-key': 'second thoughts' }
      const { users: _, ...orphans } = aPerson('second')
      expect(await api.post('/ingest', orphans, key)).toMatchObject(problem(422, 'UNKNOWN_REFERENCE'))
      expect((await api.post('/ingest', aPerson('second'), key)).status).toBe(201)
    })

    const good = aPerson('half')
    const bad = { ...good.transactions[2], amount: 0.5 }
    test.each<[string, unknown, number, string]>([
      ['nothing', undefined, 400, 'BODY_NOT_JSON'],
      ['half a body', JSON.stringify(good).slice(0, -20), 400, 'BODY_NOT_JSON'],
      [
        'bytes that are no UTF-8',
        new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
        400,
        'BODY_NOT_JSON',
      ],
      ['a list', [], 422, 'INVALID_BODY'],
      ['an unknown table', { ...good, features: [] }, 422, 'INVALID_BODY'],
      [
        'one bad row of many',
        { ...good, transactions: [...good.transactions.slice(0, 2), bad] },
        422,
        'INVALID_BODY',
      ],
      ['too many rows', { ...good, transactions: Array(10_000).fill(null) }, 413, 'TOO_MANY_ROWS'],
      ['an account of nobody', { accounts: good.accounts }, 422, 'UNKNOWN_REFERENCE'],
    ])('a body with %s leaves everything as it was', async (_, body, status, code) => {
      const before = await stats()
      expect(await api.post('/ingest/', body)).toMatchObject(problem(status, code))
      expect(await stats()).toEqual(before)
      expect((await api.get('/users/half')).status).toBe(404)
    })

    test('rows that belong nowhere, or to another, are named', async () => {
      await api.post('/ingest', aPerson('owner'))
      const before = await stats()
      const line = { ...aPerson('stranger').transactions[0], account_id: 'owner-chk' }
      const answer = await api.post('/ingest', {
        users: aPerson('stranger').users,
        accounts: [
          { ...aPerson('owner').accounts[0], user_id: 'stranger' },
          { ...account('loose'), user_id: 'nobody' },
        ],
        transactions: [line, { ...line, id: 'x', account_id: 'nowhere', user_id: 'nobody' }],
        liabilities: [{ account_id: 'nowhere', kind: 'credit', overdue: false }],
      })
      expect(answer).toMatchObject(problem(422, 'UNKNOWN_REFERENCE'))
      expect(answer.json.errors).toEqual([
        { pointer: '#/accounts/0/user_id', detail: 'account "owner-chk" belongs to another user' },
        { pointer: '#/accounts/1/user_id', detail: 'no user "nobody"' },
        { pointer: '#/transactions/1/account_id', detail: 'no account "nowhere"' },
        { pointer: '#/transactions/1/user_id', detail: 'no user "nobody"' },
        { pointer: '#/liabilities/0/account_id', detail: 'no account "nowhere"' },
      ])
      expect(await api.post('/ingest', { transactions: [{ ...line, user_id: 'user-001' }] })).toMatchObject({
        status: 422,
        json: { errors: [{ pointer: '#/transactions/0/user_id' }] },
      })
      expect(await stats()).toEqual(before)
    })

    test('many at once all arrive', async () => {
      const before = await stats()
      const ids = Array.from({ length: 8 }, (_, index) => `crowd-${index}`)
      const answers = await Promise.all(ids.map((id) => api.post('/ingest', aPerson(id))))
      expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 201))
      expect(await stats()).toMatchObject({
        users: before.users + 8,
        transactions: before.transactions + 24,
        totalOutCents: before.totalOutCents - 8 * 7500,
      })
    })

    test.each(['ünïcode', '用户-1', '🦊 fox', '100%', '50%25', 'a?b#c', 'a+b&c=d', '%2F'])(
      'the id %s comes back as it is',
      async (id) => {
        expect((await api.post('/ingest', aPerson(id))).status).toBe(201)
        const path = encodeURIComponent(id)
        expect(await api.get(`/users/${path}`)).toMatchObject({ status: 200, json: { id } })
        expect(await api.get(`/profile/${path}`)).toMatchObject({ status: 200, json: { user: { id } } })
        expect(await api.post(`/features/compute/${path}`)).toMatchObject({
          status: 200,
          json: { userId: id },
        })
        const { json } = await api.get(`/users?limit=200&after=${encodeURIComponent(id)}`)
        expect(json.users.filter((user: { id: string }) => user.id === id)).toEqual([])
      },
    )

    test('a user without transactions has a profile all the same', async () => {
      await api.post('/ingest', { users: [{ id: 'blank', name: 'Blank', created_on: '2026-01-01' }] })
      const answer = await api.get('/profile/blank?window=180')
      expect(answer).toMatchObject({
        status: 200,
        json: { asOf: null, accounts: [], features: { spend: 0 } },
      })
      expect(await api.post('/features/compute/blank')).toMatchObject({ status: 200, json: { asOf: null } })
    })

    test.each<[string, () => Promise<Answer>]>([
      ['a user', () => api.get('/users/nobody')],
      ['a profile', () => api.get('/profile/nobody')],
      ['features', () => api.post('/features/compute/nobody')],
    ])('%s of nobody is not found', async (_, ask) => {
      expect(await ask()).toMatchObject(problem(404, 'USER_NOT_FOUND'))
    })

    test.each(['/', '/user', '/ingest', '/features/compute/user-001', '/api'])(
      'GET %s is not served',
      async (path) => {
        expect(await api.get(path)).toMatchObject(problem(404, 'ROUTE_NOT_FOUND'))
      },
    )

    test.each([
      '/users?limit=0',
      '/users?limit=201',
      '/users?limit=1e2',
      '/users?limit=',
      '/profile/user-001?window=31',
      '/profile/user-001?window=',
      '/profile/user-001?asOf=yesterday',
      '/profile/user-001?asOf=2026-02-30',
    ])('GET %s is refused', async (path) => {
      expect(await api.get(path)).toMatchObject(problem(422, 'INVALID_QUERY'))
    })
  })
}

/** Rows of one user whose ids all begin with `id`: 30.00 and 45.00 out (the latter pending), one thousand in. */
function aPerson(id: string) {
  const own = { account_id: `${id}-chk`, user_id: id }
  return {
    users: [{ id, name: `Person ${id}`, created_on: '2026-01-01' }],
    accounts: [
      { ...account(`${id}-chk`, { balance_current: 92_500 }), user_id: id },
      { ...card(`${id}-cc`, 25_000, 100_000), user_id: id },
    ],
    transactions: [
      { ...transaction('2026-06-15', -3000, { merchant_name: 'Streamsample' }), ...own, id: `${id}-1` },
      { ...transaction('2026-06-20', -4500), ...own, id: `${id}-2`, pending: true },
      { ...transaction('2026-06-01', 100_000, { payment_channel: 'ach' }), ...own, id: `${id}-3` },
    ],
    liabilities: [
      { account_id: `${id}-cc`, kind: 'credit', minimum_payment: 2500, last_payment: 2500, overdue: false },
    ],
  }
}

function problem(status: number, code: string) {
  return { status, type: 'application/problem+json', json: { status, code } }
}
