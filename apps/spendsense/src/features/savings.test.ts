import { expect, test } from 'vitest'
import { account, history, transaction } from '../../test/rows.ts'
import { ledger } from './ledger.ts'
import { savings } from './savings.ts'

const inSavings = (date: string, amount: number) =>
  transaction(date, amount, {
    account_id: 'sav',
    category_primary: amount > 0 ? 'TRANSFER_IN' : 'TRANSFER_OUT',
  })

test('inflow, growth and how long it would last', () => {
  const accounts = [
    account('chk', { balance_current: 99_999 }),
    account('sav', { subtype: 'savings', balance_current: 110_000 }),
  ]
  const transactions = [
    inSavings('2026-06-05', 15_000),
    inSavings('2026-06-20', -5000),
    transaction('2026-06-10', -44_000),
  ]
  // 1,100 now, 1,000 when the month began: 10 %. 1,100 at 440 a month: 2.5 months.
  expect(savings(ledger(history({ accounts, transactions }), 30))).toEqual({
    balance: 110_000,
    netInflow: 10_000,
    growth: 0.1,
    emergencyFundMonths: 2.5,
  })
})

test('money markets, CDs, cash management and HSAs are savings; brokerage and checking are not', () => {
  const accounts = ['savings', 'money market', 'cd', 'cash management', 'HSA', 'checking'].map(
    (subtype, index) => account(`a${index}`, { subtype, balance_current: 10 ** index }),
  )
  accounts.push(account('inv', { type: 'investment', subtype: 'brokerage', balance_current: 10 ** 6 }))
  expect(savings(ledger(history({ accounts }), 30)).balance).toBe(11_111)
})

test('from nothing there is no rate of growth, and without spending no number of months', () => {
  const accounts = [account('sav', { subtype: 'savings', balance_current: 500 })]
  const transactions = [inSavings('2026-06-05', 500)]
  expect(savings(ledger(history({ accounts, transactions }), 30))).toEqual({
    balance: 500,
    netInflow: 500,
    growth: null,
    emergencyFundMonths: null,
  })
})
