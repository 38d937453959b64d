import type { Transaction } from '../schema.ts'
import { dayNumber } from './days.ts'
import { isSpending, type Ledger, perMonth } from './ledger.ts'
import { gaps, ratio, sum } from './statistics.ts'

/** Days between the payments of a habit. */
const CADENCES = [7, 30, 90] as const
const TOLERANCE_DAYS = 5
const PAYMENTS_NEEDED = 3
const GAPS_NEEDED_PERCENT = 60

export type Cadence = (typeof CADENCES)[number]

export interface RecurringMerchant {
  merchant: string
  cadenceDays: Cadence
  /** In the window. */
  payments: number
  /** Cents in the window, positive. */
  spend: number
}

export interface SubscriptionFeatures {
  /** Those paid in the window, most spent first. */
  merchants: RecurringMerchant[]
  /** Cents in the window, positive. */
  recurringSpend: number
  /** Cents in 30 days on average, rounded. */
  monthlyRecurringSpend: number
  /** Of all spending in the window, 0 to 1; null where nothing was spent. */
  shareOfSpend: number | null
}

/**
 * Merchants paid again and again: three payments or more, of whose gaps at least 60 % are within five days of
 * 7, 30 or 90. The habit is recognised over the ledger's whole history, since 30 days cannot show a monthly
 * one; what was spent is that of the window.
 */
export function subscriptions(ledger: Ledger): SubscriptionFeatures {
  const inWindow = paymentsByMerchant(ledger.transactions)
  const merchants: RecurringMerchant[] = []
  for (const [key, history] of paymentsByMerchant(ledger.history)) {
    const cadenceDays = cadence(history.map(({ date }) => dayNumber(date)))
    const paid = inWindow.get(key)
    if (cadenceDays === null || paid === undefined) continue
    const spend = sum(paid.map(({ amount }) => -amount))
    merchants.push({ merchant: displayName(paid), cadenceDays, payments: paid.length, spend })
  }
  merchants.sort((a, b) => b.spend - a.spend || (a.merchant < b.merchant ? -1 : 1))
  const recurringSpend = sum(merchants.map(({ spend }) => spend))
  return {
    merchants,
    recurringSpend,
    monthlyRecurringSpend: Math.round(perMonth(recurringSpend, ledger.window)),
    shareOfSpend: ratio(recurringSpend, ledger.spend),
  }
}

/** The cadence that most of the gaps keep, the shorter of two equals; null where none is kept often enough. */
export function cadence(days: readonly number[]): Cadence | null {
  if (days.length < PAYMENTS_NEEDED) return null
  const steps = gaps(days)
  let best: Cadence | null = null
  let most = 0
  for (const cadence of CADENCES) {
    const kept = steps.filter((step) => Math.abs(step - cadence) <= TOLERANCE_DAYS).length
    if (kept > most && kept * 100 >= steps.length * GAPS_NEEDED_PERCENT) {
      best = cadence
      most = kept
    }
  }
  return best
}

/** By the bank's identity of the merchant, else by name without regard to case; without either it is left out. */
function paymentsByMerchant(transactions: readonly Transaction[]): Map<string, Transaction[]> {
  const payments = transactions.filter(
    (t) => isSpending(t) && (t.merchant_entity_id ?? t.merchant_name) !== null,
  )
  return Map.groupBy(payments, (t) =>
    t.merchant_entity_id === null
      ? `name:${t.merchant_name?.trim().toLowerCase()}`
      : `id:${t.merchant_entity_id}`,
  )
}

/** As the newest payment spells it. */
function displayName(payments: readonly Transaction[]): string {
  const newest = payments.findLast(({ merchant_name }) => merchant_name !== null)
  return newest?.merchant_name ?? payments[0]?.merchant_entity_id ?? ''
}
