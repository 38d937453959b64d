import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { dayNumber } from '../src/features/days.ts'
import { HISTORY_DAYS, type History } from '../src/features/ledger.ts'
import { sum } from '../src/features/statistics.ts'
import type { Account, Liability, Transaction, User } from '../src/schema.ts'
import type { Stats } from '../src/stats.ts'

function rows<T>(file: string): T[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../data', file), 'utf8'))
}

/** What an application starts with. */
export const seed = {
  users: rows<User>('01-users.json'),
  accounts: rows<Account>('02-accounts.json'),
  transactions: rows<Transaction>('03-transactions.json'),
  liabilities: rows<Liability>('04-liabilities.json'),
}

/** What `/api/stats` must say of it. */
export const seedStats: Stats = {
  users: seed.users.length,
  accounts: seed.accounts.length,
  transactions: seed.transactions.length,
  liabilities: seed.liabilities.length,
  ingests: 0,
  features: 0,
  firstDate: seed.transactions.map(({ date }) => date).sort()[0] ?? null,
  lastDate:
    seed.transactions
      .map(({ date }) => date)
      .sort()
      .at(-1) ?? null,
  totalInCents: sum(seed.transactions.map(({ amount }) => Math.max(amount, 0))),
  totalOutCents: sum(seed.transactions.map(({ amount }) => Math.min(amount, 0))),
}

/** One user's history, picked from the files. */
export function seedHistory(userId: string, asOf?: string): History {
  const own = seed.transactions.filter(({ user_id }) => user_id === userId)
  const lastDay =
    asOf ??
    own
      .map(({ date }) => date)
      .sort()
      .at(-1)
  if (lastDay === undefined) throw new Error(`user ${userId} has no transactions in data/`)
  const accounts = seed.accounts
    .filter(({ user_id }) => user_id === userId)
    .sort((a, b) => (a.id < b.id ? -1 : 1))
  const ids = new Set(accounts.map(({ id }) => id))
  return {
    asOf: lastDay,
    accounts,
    transactions: own.filter(
      ({ date }) => date <= lastDay && dayNumber(date) > dayNumber(lastDay) - HISTORY_DAYS,
    ),
    liabilities: seed.liabilities.filter(({ account_id }) => ids.has(account_id)),
  }
}
