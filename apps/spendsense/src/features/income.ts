import type { Transaction } from '../schema.ts'
import { dayNumber } from './days.ts'
import { isOwnTransfer, type Ledger, monthsOfSpending, perMonth } from './ledger.ts'
import { gaps, median, ratio, sampleDeviation, sum } from './statistics.ts'

const DEPOSITS_NEEDED = 2
const MARKED = /payroll|salary|wages/i

export interface IncomeFeatures {
  /** Whether pay was recognised: two deposits of it or more in the window. */
  payroll: boolean
  /** Deposits of pay in the window. */
  deposits: number
  /** Cents in the window. This and what follows from it is null where no pay was recognised. */
  total: number | null
  /** Cents in 30 days on average, rounded. */
  monthlyIncome: number | null
  /** Days between one deposit and the next. */
  medianGapDays: number | null
  /** Standard deviation of the deposits (of a sample) over their mean: 0 is the same each time. */
  variability: number | null
  /** Months of average spending that the checking accounts pay for; null where nothing was spent. */
  cashFlowBufferMonths: number | null
}

/** Pay: how much, how often and how steady, and how long the checking balance lasts without it. */
export function income(ledger: Ledger): IncomeFeatures {
  const cash = ledger.accounts.filter(({ type }) => type === 'depository')
  const cashIds = new Set(cash.map(({ id }) => id))
  const deposits = ledger.transactions.filter((t) => cashIds.has(t.account_id) && isPay(t))
  const checking = cash.filter(({ subtype }) => subtype.toLowerCase() === 'checking')
  return {
    ...pay(deposits, ledger),
    cashFlowBufferMonths: monthsOfSpending(
      sum(checking.map(({ balance_current }) => balance_current)),
      ledger,
    ),
  }
}

function pay(deposits: readonly Transaction[], { window }: Ledger) {
  if (deposits.length < DEPOSITS_NEEDED) {
    const nothing = { total: null, monthlyIncome: null, medianGapDays: null, variability: null }
    return { payroll: false, deposits: deposits.length, ...nothing }
  }
  const amounts = deposits.map(({ amount }) => amount)
  const total = sum(amounts)
  return {
    payroll: true,
    deposits: deposits.length,
    total,
    monthlyIncome: Math.round(perMonth(total, window)),
    medianGapDays: median(gaps(deposits.map(({ date }) => dayNumber(date)))),
    variability: ratio(sampleDeviation(amounts) ?? 0, total / deposits.length),
  }
}

/** Money in by ACH, or that the bank or the payer calls pay; never from another account of the user. */
function isPay(t: Transaction): boolean {
  if (t.amount <= 0 || isOwnTransfer(t)) return false
  return (
    t.payment_channel === 'ach' ||
    [t.category_detailed, t.merchant_name].some((text) => MARKED.test(text ?? ''))
  )
}
