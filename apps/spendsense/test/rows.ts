import type { History } from '../src/features/ledger.ts'
import type { Account, Liability, Transaction } from '../src/schema.ts'

/** A checking account, but for what is given. */
export function account(id: string, given: Partial<Account> = {}): Account {
  return {
    id,
    user_id: 'u',
    type: 'depository',
    subtype: 'checking',
    balance_available: null,
    balance_current: 0,
    balance_limit: null,
    currency: 'USD',
    holder_category: 'personal',
    ...given,
  }
}

/** A card with a balance and a limit in cents. */
export function card(id: string, balance: number, limit: number | null): Account {
  return account(id, {
    type: 'credit',
    subtype: 'credit card',
    balance_current: balance,
    balance_limit: limit,
  })
}

let made = 0

/** A posted line of account `chk` without merchant or category, but for what is given. */
export function transaction(date: string, amount: number, given: Partial<Transaction> = {}): Transaction {
  return {
    id: `t${++made}`,
    account_id: 'chk',
    user_id: 'u',
    date,
    amount,
    merchant_name: null,
    merchant_entity_id: null,
    payment_channel: 'other',
    category_primary: null,
    category_detailed: null,
    pending: 0,
    ...given,
  }
}

/** What is owed on a card, but for what is given. */
export function liability(accountId: string, given: Partial<Liability> = {}): Liability {
  return {
    account_id: accountId,
    kind: 'credit',
    purchase_apr: null,
    cash_apr: null,
    balance_transfer_apr: null,
    interest_rate: null,
    minimum_payment: null,
    last_payment: null,
    last_payment_date: null,
    last_statement_balance: null,
    next_due_date: null,
    overdue: 0,
    ...given,
  }
}

/** A history as of 2026-06-30 with the account `chk`, but for what is given. */
export function history(given: Partial<History> = {}): History {
  return { asOf: '2026-06-30', accounts: [account('chk')], transactions: [], liabilities: [], ...given }
}
