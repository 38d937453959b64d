import { expect, test } from 'vitest'
import { account, card, history, transaction } from '../../test/rows.ts'
import type { Transaction } from '../schema.ts'
import { income } from './income.ts'
import { ledger, type Window } from './ledger.ts'

const of = (transactions: Transaction[], window: Window, balance = 0) =>
  income(
    ledger(
      history({ accounts: [account('chk', { balance_current: balance }), card('a', 0, 10)], transactions }),
      window,
    ),
  )
const ach = (date: string, amount: number, given: Partial<Transaction> = {}) =>
  transaction(date, amount, { payment_channel: 'ach', ...given })

test('how much, how often, how steady, and how long without it', () => {
  const transactions = [
    ach('2026-03-02', 90_000),
    ach('2026-04-01', 100_000),
    ach('2026-06-20', 110_000),
    transaction('2026-06-25', -240_000),
  ]
  // Gaps 30 and 80; mean 1,000, sample deviation 100; spending 2,400 in six months is 400 a month.
  expect(of(transactions, 180, 60_000)).toEqual({
    payroll: true,
    deposits: 3,
    total: 300_000,
    monthlyIncome: 50_000,
    medianGapDays: 55,
    variability: 0.1,
    cashFlowBufferMonths: 1.5,
  })
})

test('one deposit in the window is no payroll', () => {
  expect(of([ach('2026-05-20', 1), ach('2026-06-20', 1)], 30)).toEqual({
    payroll: false,
    deposits: 1,
    total: null,
    monthlyIncome: null,
    medianGapDays: null,
    variability: null,
    cashFlowBufferMonths: null,
  })
})

test.each<[string, Partial<Transaction>, boolean]>([
  ['by ACH', { payment_channel: 'ach' }, true],
  ['marked as wages', { category_detailed: 'INCOME_WAGES' }, true],
  ['named payroll', { merchant_name: 'EXAMPLE WORKS PAYROLL' }, true],
  ['named salary', { merchant_name: 'Salary June' }, true],
  ['any other deposit', {}, false],
  ['from savings, by ACH', { payment_channel: 'ach', category_primary: 'TRANSFER_IN' }, false],
  ['a payment to a card, by ACH', { payment_channel: 'ach', account_id: 'a' }, false],
  ['pending', { payment_channel: 'ach', pending: 1 }, false],
])('pay: %s', (_, given, expected) => {
  const dates = ['2026-06-05', '2026-06-19']
  expect(
    of(
      dates.map((date) => transaction(date, 1000, given)),
      30,
    ).payroll,
  ).toBe(expected)
})

test('money out by ACH is no pay', () => {
  expect(of([ach('2026-06-05', -1), ach('2026-06-19', -1)], 30).deposits).toBe(0)
})
