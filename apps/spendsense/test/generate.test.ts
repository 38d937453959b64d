import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DAYS, dateOf, LAST_DATE } from '../generate/calendar.ts'
import { drawDataset, seedFiles } from '../generate/dataset.ts'
import { SEED } from '../generate/seed.ts'
import { isSpending } from '../src/features/ledger.ts'
import { sum } from '../src/features/statistics.ts'
import { readBody } from '../src/ingest/body.ts'

const folder = join(import.meta.dirname, '../data')
const dataset = drawDataset(SEED)

test('data/ is what the generator draws, byte for byte', () => {
  const files = seedFiles(dataset)
  expect(readdirSync(folder).sort()).toEqual([...files.keys()])
  for (const [name, text] of files) expect(readFileSync(join(folder, name), 'utf8') === text, name).toBe(true)
})

test('another seed gives other rows', () => {
  expect(seedFiles(drawDataset(`${SEED}.`)).get('03-transactions.json')).not.toBe(
    seedFiles(dataset).get('03-transactions.json'),
  )
})

test('every row is one that the API would take', () => {
  const { users, accounts, transactions, liabilities } = dataset
  const half = Math.ceil(transactions.length / 2)
  const bytes = (body: unknown) => new TextEncoder().encode(JSON.stringify(body))
  expect(
    readBody(bytes({ users, accounts, liabilities, transactions: transactions.slice(0, half) })).users,
  ).toEqual(users)
  expect(readBody(bytes({ transactions: transactions.slice(half) })).transactions).toEqual(
    transactions.slice(half),
  )
})

test('every row belongs to its owner', () => {
  const owner = new Map(dataset.accounts.map(({ id, user_id }) => [id, user_id]))
  const users = new Set(dataset.users.map(({ id }) => id))
  expect(dataset.accounts.filter(({ user_id }) => !users.has(user_id))).toEqual([])
  expect(dataset.transactions.filter((t) => owner.get(t.account_id) !== t.user_id)).toEqual([])
  expect(dataset.liabilities.filter(({ account_id }) => !owner.has(account_id))).toEqual([])
})

test('the size and the days are as promised', () => {
  const { users, transactions } = dataset
  expect(users).toHaveLength(75)
  expect(new Set(users.map(({ name }) => name)).size).toBe(75)
  expect(transactions.length).toBeGreaterThan(15_000)
  expect(transactions.length).toBeLessThan(20_000)
  const dates = transactions.map(({ date }) => date).sort()
  expect([dates[0], dates.at(-1), dateOf(DAYS - 1)]).toEqual([dateOf(0), LAST_DATE, LAST_DATE])
})

test('no account but a card can hold less than nothing, and no card is over its limit', () => {
  const cash = dataset.accounts.filter(({ type }) => type === 'depository' || type === 'investment')
  expect(
    cash.filter((account) => account.balance_current < 0 || (account.balance_available ?? 0) < 0),
  ).toEqual([])
  const cards = dataset.accounts.filter(({ type }) => type === 'credit')
  expect(cards.filter((card) => card.balance_current > (card.balance_limit ?? 0))).toEqual([])
})

test('what left an account for another of the same user arrived there', () => {
  for (const { id } of dataset.users) {
    const moves = dataset.transactions.filter(
      (t) => t.user_id === id && /^TRANSFER|CREDIT_CARD_PAYMENT$/.test(t.category_detailed ?? ''),
    )
    expect(sum(moves.map(({ amount }) => amount)), id).toBe(0)
    expect(moves.filter(isSpending), id).toEqual([])
  }
})
