import { type CreditFeatures, credit } from './credit.ts'
import { type IncomeFeatures, income } from './income.ts'
import { type History, ledger, type Window } from './ledger.ts'
import { type SavingsFeatures, savings } from './savings.ts'
import { type SubscriptionFeatures, subscriptions } from './subscriptions.ts'

/** What a user's behaviour over one window looks like. Plain JSON. */
export interface Features {
  /** Cents spent in the window, positive, transfers between the user's own accounts left out. */
  spend: number
  subscriptions: SubscriptionFeatures
  savings: SavingsFeatures
  credit: CreditFeatures
  income: IncomeFeatures
}

/** Computed from the history alone: the same history gives the same features, wherever and whenever. */
export function computeFeatures(history: History, window: Window): Features {
  const rows = ledger(history, window)
  return {
    spend: rows.spend,
    subscriptions: subscriptions(rows),
    savings: savings(rows),
    credit: credit(rows),
    income: income(rows),
  }
}
