import { type Ledger, monthsOfSpending } from './ledger.ts'
import { ratio, sum } from './statistics.ts'

const SUBTYPES = new Set(['savings', 'money market', 'cash management', 'cd', 'hsa'])

export interface SavingsFeatures {
  /** Cents in savings accounts now. */
  balance: number
  /** Cents that came in less what went out, in the window. */
  netInflow: number
  /** Of what was there when the window began, 0.02 = 2 %; null where nothing was. */
  growth: number | null
  /** Months of average spending that the savings pay for; null where nothing was spent. */
  emergencyFundMonths: number | null
}

/** Depository accounts kept to save: what flowed in and how long they would last. */
export function savings(ledger: Ledger): SavingsFeatures {
  const accounts = ledger.accounts.filter(
    ({ type, subtype }) => type === 'depository' && SUBTYPES.has(subtype.toLowerCase()),
  )
  const ids = new Set(accounts.map(({ id }) => id))
  const balance = sum(accounts.map(({ balance_current }) => balance_current))
  const netInflow = sum(
    ledger.transactions.filter(({ account_id }) => ids.has(account_id)).map(({ amount }) => amount),
  )
  return {
    balance,
    netInflow,
    growth: ratio(netInflow, balance - netInflow),
    emergencyFundMonths: monthsOfSpending(balance, ledger),
  }
}
