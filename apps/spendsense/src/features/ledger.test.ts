import { expect, test } from 'vitest'
import { account, history, transaction } from '../../test/rows.ts'
import { isOwnTransfer, ledger } from './ledger.ts'

const spendOf = (transactions: ReturnType<typeof transaction>[], window: 30 | 180 = 30) =>
  ledger(history({ transactions }), window).spend

test('a window ends with asOf, that day included', () => {
  const days = ['2026-05-31', '2026-06-01', '2026-06-30', '2026-07-01']
  expect(spendOf(days.map((day, index) => transaction(day, -(10 ** index))))).toBe(110)
})

test('180 days as of 2026-06-30 begin on 2026-01-02', () => {
  expect(spendOf([transaction('2026-01-01', -1), transaction('2026-01-02', -10)], 180)).toBe(10)
})

test('pending lines and business accounts do not count', () => {
  const rows = ledger(
    history({
      accounts: [account('chk'), account('biz', { holder_category: 'business' })],
      transactions: [
        transaction('2026-06-10', -1),
        transaction('2026-06-10', -10, { pending: 1 }),
        transaction('2026-06-10', -100, { account_id: 'biz' }),
      ],
    }),
    30,
  )
  expect(rows.spend).toBe(1)
  expect(rows.accounts.map(({ id }) => id)).toEqual(['chk'])
})

test('monthly spending is the average of 30 days', () => {
  const transactions = [transaction('2026-02-10', -500), transaction('2026-06-10', -100)]
  expect(ledger(history({ transactions }), 180).monthlySpend).toBe(100)
  expect(ledger(history({ transactions }), 30).monthlySpend).toBe(100)
})

test.each([
  ['TRANSFER_OUT', 'TRANSFER_OUT_SAVINGS', true],
  ['TRANSFER_OUT', 'TRANSFER_OUT_WITHDRAWAL', false],
  ['TRANSFER_IN', 'TRANSFER_IN_SAVINGS', true],
  ['LOAN_PAYMENTS', 'LOAN_PAYMENTS_CREDIT_CARD_PAYMENT', true],
  ['LOAN_PAYMENTS', 'LOAN_PAYMENTS_MORTGAGE_PAYMENT', false],
  [null, null, false],
])('%s, %s is a transfer to oneself: %s', (category_primary, category_detailed, expected) => {
  const line = transaction('2026-06-10', -100, { category_primary, category_detailed })
  expect(isOwnTransfer(line)).toBe(expected)
  expect(spendOf([line])).toBe(expected ? 0 : 100)
})

test('without a day to look at there is nothing to look at', () => {
  const rows = ledger(history({ asOf: null, transactions: [transaction('2026-06-10', -100)] }), 30)
  expect([rows.transactions, rows.history, rows.spend]).toEqual([[], [], 0])
})
