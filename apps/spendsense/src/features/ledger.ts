import type { Account, Liability, Transaction } from '../schema.ts'
import { dayNumber, isoDate } from './days.ts'
import { ratio, sum } from './statistics.ts'

/** Days that features are computed over. */
export type Window = 30 | 180

export const WINDOWS: readonly Window[] = [30, 180]

/** How far back a ledger goes: a habit is recognised over all of it, whatever the window. */
export const HISTORY_DAYS = 180

/** What is known of one user. Dates and amounts as in the schema. */
export interface History {
  /** The last day to look at; null where there is no transaction to look at. */
  readonly asOf: string | null
  readonly accounts: readonly Account[]
  readonly transactions: readonly Transaction[]
  readonly liabilities: readonly Liability[]
}

/** The part of a history that features rest on, for one window. */
export interface Ledger {
  readonly window: Window
  readonly accounts: readonly Account[]
  readonly liabilities: readonly Liability[]
  /** Of the last `HISTORY_DAYS` days, oldest first. */
  readonly history: readonly Transaction[]
  /** Of the window, oldest first. */
  readonly transactions: readonly Transaction[]
  /** Cents spent in the window, positive. */
  readonly spend: number
  /** Cents spent in 30 days on average over the window, not rounded. */
  readonly monthlySpend: number
}

/**
 * Keeps what counts: personal accounts, posted transactions, and of these the `window` days that end with
 * `asOf`, that day included.
 */
export function ledger(history: History, window: Window): Ledger {
  const accounts = history.accounts.filter((account) => account.holder_category === 'personal')
  const ids = new Set(accounts.map((account) => account.id))
  const posted = history.transactions
    .filter((transaction) => ids.has(transaction.account_id) && transaction.pending === 0)
    .toSorted((a, b) => compare(a.date, b.date) || compare(a.id, b.id))
  const transactions = lastDays(posted, history.asOf, window)
  const spend = sum(transactions.filter(isSpending).map((transaction) => -transaction.amount))
  return {
    window,
    accounts,
    liabilities: history.liabilities.filter((liability) => ids.has(liability.account_id)),
    history: lastDays(posted, history.asOf, HISTORY_DAYS),
    transactions,
    spend,
    monthlySpend: perMonth(spend, window),
  }
}

/** An amount of the whole window as the average of 30 days. */
export function perMonth(cents: number, window: Window): number {
  return cents / (window / 30)
}

/** How many months of the window's average spending `cents` pay for; null where nothing was spent. */
export function monthsOfSpending(cents: number, ledger: Ledger): number | null {
  return ratio(cents, ledger.monthlySpend)
}

/** Money that left the user: not what moved between accounts of the user's own. */
export function isSpending(transaction: Transaction): boolean {
  return transaction.amount < 0 && !isOwnTransfer(transaction)
}

/** Savings, investments and card payments move money that stays the user's; cash from a machine is spent. */
export function isOwnTransfer({ category_primary, category_detailed }: Transaction): boolean {
  if (category_primary === 'TRANSFER_IN') return true
  if (category_primary === 'TRANSFER_OUT') return category_detailed !== 'TRANSFER_OUT_WITHDRAWAL'
  return category_detailed === 'LOAN_PAYMENTS_CREDIT_CARD_PAYMENT'
}

function lastDays(transactions: readonly Transaction[], asOf: string | null, days: number): Transaction[] {
  if (asOf === null) return []
  const first = isoDate(dayNumber(asOf) - days + 1)
  return transactions.filter(({ date }) => date >= first && date <= asOf)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
