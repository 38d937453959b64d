import { expect, test } from 'vitest'
import { history, transaction } from '../../test/rows.ts'
import type { Transaction } from '../schema.ts'
import { ledger, type Window } from './ledger.ts'
import { cadence, subscriptions } from './subscriptions.ts'

const of = (transactions: Transaction[], window: Window) =>
  subscriptions(ledger(history({ transactions }), window))
const paid = (name: string, amount: number, ...dates: string[]) =>
  dates.map((date) => transaction(date, -amount, { merchant_name: name }))

test.each([
  ['two payments', [0, 30], null],
  ['weekly', [0, 7, 14], 7],
  ['monthly', [0, 30, 61], 30],
  ['quarterly', [0, 90, 180], 90],
  ['five days early and five late', [0, 25, 60], 30],
  ['six days late each time', [0, 36, 72], null],
  ['twelve days is a week and five', [0, 12, 24], 7],
  ['thirteen days is nothing', [0, 13, 26], null],
  ['several on one day', [0, 0, 0], null],
  ['three of five gaps', [0, 30, 60, 90, 110, 130], 30],
  ['two of four gaps', [0, 30, 60, 80, 100], null],
  ['half a week, half a month: neither often enough', [0, 7, 37], null],
])('%s', (_, days, expected) => {
  expect(cadence(days)).toBe(expected)
})

test('recurring spend, its average and its share', () => {
  const transactions = [
    ...paid('Streamsample', 1500, '2026-04-15', '2026-05-15', '2026-06-15'),
    ...paid('Cart Example', 10_500, '2026-06-20'),
  ]
  expect(of(transactions, 180)).toEqual({
    merchants: [{ merchant: 'Streamsample', cadenceDays: 30, payments: 3, spend: 4500 }],
    recurringSpend: 4500,
    monthlyRecurringSpend: 750,
    shareOfSpend: 0.3,
  })
})

test('in 30 days a monthly habit is known by the months before', () => {
  const transactions = [
    ...paid('Streamsample', 1500, '2026-04-15', '2026-05-15', '2026-06-15'),
    ...paid('Gone by now', 900, '2026-03-01', '2026-04-01', '2026-05-01'),
    ...paid('Cart Example', 4500, '2026-06-20'),
  ]
  expect(of(transactions, 30)).toEqual({
    merchants: [{ merchant: 'Streamsample', cadenceDays: 30, payments: 1, spend: 1500 }],
    recurringSpend: 1500,
    monthlyRecurringSpend: 1500,
    shareOfSpend: 0.25,
  })
})

test('a merchant is its identity at the bank, else its name without regard to case', () => {
  const dates = ['2026-04-15', '2026-05-15', '2026-06-15']
  const named = ['TUNETEST', 'Tunetest ', 'tunetest'].map((merchant_name, index) =>
    transaction(dates[index] ?? '', -999, { merchant_name }),
  )
  const identified = ['Gym 1', 'Gym 2', null].map((merchant_name, index) =>
    transaction(dates[index] ?? '', -2000, { merchant_name, merchant_entity_id: 'gym' }),
  )
  const nameless = dates.map((date) => transaction(date, -50_000))
  expect(of([...named, ...identified, ...nameless], 180).merchants).toEqual([
    { merchant: 'Gym 2', cadenceDays: 30, payments: 3, spend: 6000 },
    { merchant: 'tunetest', cadenceDays: 30, payments: 3, spend: 2997 },
  ])
})

test('refunds and transfers are no payments', () => {
  const refunds = ['2026-04-15', '2026-05-15', '2026-06-15'].map((date) =>
    transaction(date, 999, { merchant_name: 'Back' }),
  )
  const transfers = paid('Savings', 100, '2026-04-15', '2026-05-15', '2026-06-15').map((row) => ({
    ...row,
    category_primary: 'TRANSFER_OUT',
  }))
  expect(of([...refunds, ...transfers], 180)).toEqual({
    merchants: [],
    recurringSpend: 0,
    monthlyRecurringSpend: 0,
    shareOfSpend: null,
  })
})
