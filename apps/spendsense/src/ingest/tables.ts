import type { Schema } from '../schema.ts'
import { amountOwed, cents, date, type Field, flag, id, oneOf, optional, percent, text } from './fields.ts'

/** The tables that rows can be sent to, parents before children. */
export const TABLES = ['users', 'accounts', 'transactions', 'liabilities'] as const

export type TableName = (typeof TABLES)[number]

/** A field for each column of a row. */
export type Fields<Row> = { readonly [Column in keyof Row]: Field<Row[Column]> }

export interface Table<Row> {
  /** The column whose value names the row: a row sent again replaces the one before. */
  readonly key: keyof Row & string
  readonly fields: Fields<Row>
}

export const tables: { readonly [T in TableName]: Table<Schema[T]> } = {
  users: {
    key: 'id',
    fields: { id, name: text(200), email: optional(text(320)), created_on: date },
  },
  accounts: {
    key: 'id',
    fields: {
      id,
      user_id: id,
      type: oneOf('depository', 'credit', 'loan', 'investment', 'other'),
      subtype: text(50),
      balance_available: optional(cents),
      balance_current: cents,
      balance_limit: optional(amountOwed),
      currency: oneOf('USD'),
      holder_category: oneOf('personal', 'business'),
    },
  },
  transactions: {
    key: 'id',
    fields: {
      id,
      account_id: id,
      user_id: id,
      date,
      amount: cents,
      merchant_name: optional(text(200)),
      merchant_entity_id: optional(text(200)),
      payment_channel: oneOf('online', 'in store', 'ach', 'other'),
      category_primary: optional(text(100)),
      category_detailed: optional(text(100)),
      pending: flag,
    },
  },
  liabilities: {
    key: 'account_id',
    fields: {
      account_id: id,
      kind: oneOf('credit', 'student', 'mortgage', 'auto', 'other'),
      purchase_apr: optional(percent),
      cash_apr: optional(percent),
      balance_transfer_apr: optional(percent),
      interest_rate: optional(percent),
      minimum_payment: optional(amountOwed),
      last_payment: optional(amountOwed),
      last_payment_date: optional(date),
      last_statement_balance: optional(cents),
      next_due_date: optional(date),
      overdue: flag,
    },
  },
}
