import { DAYS, dateOf, monthly } from './calendar.ts'
import { bank, type Entry } from './entries.ts'
import type { Card } from './life.ts'

/** Days from the statement until it must be paid. */
const GRACE = 21

export interface CardAccount {
  /** Payments, interest and fees, on both accounts. */
  entries: Entry[]
  /** Owed at the end, cents; what is pending comes on top. */
  balance: number
  pending: number
  limit: number
  statementBalance: number
  minimum: number
  lastPayment: number | null
  lastPaymentDate: string | null
  nextDue: string
}

/**
 * Runs a card through its months: a statement, interest on what was carried, a payment from checking.
 * The limit is what makes the last balance the utilisation that the card should have.
 *
 * @param purchases the card's own lines, in any order.
 */
export function runCard(
  card: Card,
  account: string,
  checking: string,
  purchases: readonly Entry[],
  statementDay: number,
): CardAccount {
  const spent = Array<number>(DAYS).fill(0)
  let unposted = 0
  for (const { day, amount, pending } of purchases) {
    if (pending) unposted -= amount
    else spent[day] = (spent[day] ?? 0) - amount
  }
  const statements = new Set(monthly(statementDay))
  const lastDue = [...statements].map((day) => day + GRACE).findLast((day) => day < DAYS) ?? 0

  const entries: Entry[] = []
  let balance = card.opening
  let statement = card.opening
  let minimum = minimumOf(card.opening)
  let payments: { day: number; amount: number }[] = []
  for (let day = 0; day < DAYS; day++) {
    balance += spent[day] ?? 0
    if (statements.has(day)) {
      if (card.pays !== 'everything') {
        const interest = Math.round((balance * card.apr) / 1200)
        entries.push(bank(day, account, -interest, 'BANK_FEES', 'INTEREST_CHARGE'))
        balance += interest
      }
      statement = balance
      minimum = minimumOf(balance)
    }
    if (statements.has(day - GRACE)) {
      const amount = card.overdue && day === lastDue ? 0 : paymentOf(card, statement, minimum)
      if (amount > 0) {
        entries.push(bank(day, checking, -amount, 'LOAN_PAYMENTS', 'CREDIT_CARD_PAYMENT'))
        entries.push(bank(day, account, amount, 'LOAN_PAYMENTS', 'CREDIT_CARD_PAYMENT'))
        balance -= amount
        payments = [...payments, { day, amount }]
      } else {
        entries.push(bank(day, account, -2900, 'BANK_FEES', 'LATE_FEES'))
        balance += 2900
      }
    }
  }
  const last = payments.at(-1)
  const lastStatement = Math.max(...statements)
  return {
    entries,
    balance,
    pending: unposted,
    limit: Math.max(1000_00, Math.ceil((balance * 100) / card.utilisation / 100_00) * 100_00),
    statementBalance: statement,
    minimum,
    lastPayment: last?.amount ?? null,
    lastPaymentDate: last === undefined ? null : dateOf(last.day),
    nextDue: dateOf(card.overdue ? lastDue : lastStatement + GRACE),
  }
}

function minimumOf(balance: number): number {
  return Math.min(Math.max(0, balance), Math.max(25_00, Math.round(balance / 50)))
}

function paymentOf({ pays }: Card, statement: number, minimum: number): number {
  if (pays === 'everything') return statement
  return pays === 'the minimum' ? minimum : Math.min(statement, Math.max(minimum, Math.round(statement / 4)))
}
