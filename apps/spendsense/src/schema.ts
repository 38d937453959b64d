/**
 * The tables, as Kysely sees them. A row has one spelling everywhere: the same names in the seed files, in
 * what `/ingest/` takes and in the columns.
 *
 * Money is whole US cents; negative is money out. Dates are ISO text (`2026-10-31`), flags 0 or 1.
 */
export interface Schema {
  users: User
  accounts: Account
  transactions: Transaction
  liabilities: Liability
  ingests: Ingest
  features: StoredFeatures
}

export type Flag = 0 | 1

export interface User {
  id: string
  name: string
  email: string | null
  created_on: string
}

export interface Account {
  id: string
  user_id: string
  type: AccountType
  /** `checking`, `savings`, `credit card`, `student`, … */
  subtype: string
  balance_available: number | null
  /** What is in the account; on credit and loan accounts what is owed, positive. */
  balance_current: number
  /** The credit limit. */
  balance_limit: number | null
  currency: 'USD'
  holder_category: 'personal' | 'business'
}

export type AccountType = 'depository' | 'credit' | 'loan' | 'investment' | 'other'

export interface Transaction {
  id: string
  account_id: string
  /** The owner of the account, repeated here for the index. */
  user_id: string
  date: string
  amount: number
  merchant_name: string | null
  /** The bank's stable identity of the merchant, where it has one. */
  merchant_entity_id: string | null
  payment_channel: PaymentChannel
  /** Bank categories: `FOOD_AND_DRINK` and `FOOD_AND_DRINK_GROCERIES`. */
  category_primary: string | null
  category_detailed: string | null
  pending: Flag
}

export type PaymentChannel = 'online' | 'in store' | 'ach' | 'other'

/** What is owed on an account: one row for each credit or loan account. Rates are percent a year. */
export interface Liability {
  account_id: string
  kind: 'credit' | 'student' | 'mortgage' | 'auto' | 'other'
  purchase_apr: number | null
  cash_apr: number | null
  balance_transfer_apr: number | null
  /** Of a loan. */
  interest_rate: number | null
  minimum_payment: number | null
  last_payment: number | null
  last_payment_date: string | null
  last_statement_balance: number | null
  next_due_date: string | null
  overdue: Flag
}

/** One request that stored rows, and how many. A request that was stored twice would be here twice. */
export interface Ingest {
  id: string
  /** ISO time in UTC. */
  received_at: string
  users: number
  accounts: number
  transactions: number
  liabilities: number
}

/** The newest features of a user for one window; `features` is their JSON. */
export interface StoredFeatures {
  user_id: string
  window_days: number
  /** The last day looked at; null where the user had no transactions. */
  as_of: string | null
  /** When it was computed: ISO time in UTC. */
  computed_at: string
  features: string
}
