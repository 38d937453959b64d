import { expect, test } from 'vitest'
import { account, card, history, liability, transaction } from '../../test/rows.ts'
import { credit } from './credit.ts'
import { type History, ledger } from './ledger.ts'

const of = (given: Partial<History>) => credit(ledger(history(given), 30))

test('utilisation of each card, of all, and of the fullest', () => {
  const found = of({ accounts: [card('a', 60_000, 100_000), card('b', 10_000, 100_000), card('c', 7, null)] })
  expect(found.cards.map(({ utilisation }) => utilisation)).toEqual([0.6, 0.1, null])
  expect(found).toMatchObject({
    utilisation: 0.35,
    highestUtilisation: 0.6,
    at30Percent: true,
    at50Percent: true,
    at80Percent: false,
  })
})

test.each([
  [2999, [false, false, false]],
  [3000, [true, false, false]],
  [4999, [true, false, false]],
  [5000, [true, true, false]],
  [7999, [true, true, false]],
  [8000, [true, true, true]],
])('a balance of %i on a limit of 10,000', (balance, flags) => {
  const { at30Percent, at50Percent, at80Percent } = of({ accounts: [card('a', balance, 10_000)] })
  expect([at30Percent, at50Percent, at80Percent]).toEqual(flags)
})

test.each([
  [2500, 2500, true],
  [3000, 2500, true],
  [3001, 2500, false],
  [null, 2500, false],
  [2500, null, false],
])(
  'a last payment of %s on a minimum of %s is only the minimum: %s',
  (last_payment, minimum_payment, expected) => {
    const accounts = [card('a', 1, 10)]
    const found = of({ accounts, liabilities: [liability('a', { last_payment, minimum_payment })] })
    expect(found.minimumPaymentOnly).toBe(expected)
    expect(found.cards[0]?.minimumPaymentOnly).toBe(expected)
  },
)

test('interest is what the window charged to cards', () => {
  const interest = (date: string, amount: number, account_id: string) =>
    transaction(date, amount, { account_id, category_detailed: 'BANK_FEES_INTEREST_CHARGE' })
  const found = of({
    accounts: [card('a', 1, 10), account('chk')],
    transactions: [
      interest('2026-06-03', -1250, 'a'),
      interest('2026-05-03', -9999, 'a'),
      interest('2026-06-03', -7777, 'chk'),
      transaction('2026-06-04', -5555, { account_id: 'a' }),
    ],
  })
  expect(found.interestCharged).toBe(1250)
})

test('a loan can be overdue as well as a card; a business card is not looked at', () => {
  const accounts = [card('a', 1, 10), account('loan', { type: 'loan' })]
  accounts.push({ ...card('biz', 9, 10), holder_category: 'business' })
  expect(of({ accounts, liabilities: [liability('loan', { overdue: 1 })] }).overdue).toBe(true)
  const found = of({ accounts, liabilities: [liability('biz', { overdue: 1 })] })
  expect(found.overdue).toBe(false)
  expect(found.cards.map(({ accountId }) => accountId)).toEqual(['a'])
})

test('without cards', () => {
  expect(of({})).toEqual({
    cards: [],
    utilisation: null,
    highestUtilisation: null,
    at30Percent: false,
    at50Percent: false,
    at80Percent: false,
    minimumPaymentOnly: false,
    interestCharged: 0,
    overdue: false,
  })
})
