import type { Account, Liability } from '../schema.ts'
import type { Ledger } from './ledger.ts'
import { ratio, sum } from './statistics.ts'

/** A payment this little above the minimum is still one of the minimum: cents. */
const MINIMUM_MARGIN = 500

export interface CardFeatures {
  accountId: string
  /** Cents owed. */
  balance: number
  /** Cents; null where the bank gives none. */
  limit: number | null
  /** `balance / limit`, above 1 over the limit, negative where the bank owes; null without a limit. */
  utilisation: number | null
  /** The last payment was no more than the minimum and 5 dollars. */
  minimumPaymentOnly: boolean
  overdue: boolean
}

export interface CreditFeatures {
  cards: CardFeatures[]
  /** Of all cards with a limit together; null where there is none. */
  utilisation: number | null
  /** Of the card that is fullest. */
  highestUtilisation: number | null
  /** Whether any card is at least this full. */
  at30Percent: boolean
  at50Percent: boolean
  at80Percent: boolean
  minimumPaymentOnly: boolean
  /** Cents of interest charged to cards in the window, positive. */
  interestCharged: number
  /** Any card or loan. */
  overdue: boolean
}

/** Cards: how full they are, how they are paid, what they cost. */
export function credit(ledger: Ledger): CreditFeatures {
  const accounts = ledger.accounts.filter(({ type }) => type === 'credit')
  const liabilities = new Map(ledger.liabilities.map((liability) => [liability.account_id, liability]))
  const cards = accounts.map((account) => card(account, liabilities.get(account.id)))
  const limited = cards.filter(({ utilisation }) => utilisation !== null)
  const fullest =
    limited.length === 0 ? null : Math.max(...limited.map(({ utilisation }) => utilisation ?? 0))
  return {
    cards,
    utilisation: ratio(
      sum(limited.map(({ balance }) => balance)),
      sum(limited.map(({ limit }) => limit ?? 0)),
    ),
    highestUtilisation: fullest,
    at30Percent: (fullest ?? 0) >= 0.3,
    at50Percent: (fullest ?? 0) >= 0.5,
    at80Percent: (fullest ?? 0) >= 0.8,
    minimumPaymentOnly: cards.some(({ minimumPaymentOnly }) => minimumPaymentOnly),
    interestCharged: interest(ledger, new Set(accounts.map(({ id }) => id))),
    overdue: ledger.liabilities.some(({ overdue }) => overdue === 1),
  }
}

function card(account: Account, liability: Liability | undefined): CardFeatures {
  const { balance_current: balance, balance_limit: limit } = account
  return {
    accountId: account.id,
    balance,
    limit,
    utilisation: ratio(balance, limit ?? 0),
    minimumPaymentOnly: liability !== undefined && paidMinimumOnly(liability),
    overdue: liability?.overdue === 1,
  }
}

function paidMinimumOnly({ last_payment, minimum_payment }: Liability): boolean {
  if (last_payment === null || minimum_payment === null) return false
  return last_payment <= minimum_payment + MINIMUM_MARGIN
}

function interest(ledger: Ledger, cards: ReadonlySet<string>): number {
  return sum(
    ledger.transactions
      .filter(
        (t) => cards.has(t.account_id) && t.category_detailed === 'BANK_FEES_INTEREST_CHARGE' && t.amount < 0,
      )
      .map(({ amount }) => -amount),
  )
}
