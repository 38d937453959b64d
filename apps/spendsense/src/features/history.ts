import type { Kysely } from 'kysely'
import type { Schema } from '../schema.ts'
import { dayNumber, isoDate } from './days.ts'
import { HISTORY_DAYS, type History } from './ledger.ts'

/**
 * Reads what features rest on. `asOf` is the last day to look at; left out, it is the day of the user's newest
 * transaction. Balances and liabilities are the newest known, whatever `asOf` is.
 */
export async function readHistory(tx: Kysely<Schema>, userId: string, asOf?: string): Promise<History> {
  const lastDay = asOf ?? (await newestDay(tx, userId))
  const accounts = await tx
    .selectFrom('accounts')
    .selectAll()
    .where('user_id', '=', userId)
    .orderBy('id')
    .execute()
  const liabilities = await tx
    .selectFrom('liabilities')
    .innerJoin('accounts', 'accounts.id', 'liabilities.account_id')
    .selectAll('liabilities')
    .where('accounts.user_id', '=', userId)
    .execute()
  if (lastDay === null) return { asOf: null, accounts, liabilities, transactions: [] }

  const transactions = await tx
    .selectFrom('transactions')
    .selectAll()
    .where('user_id', '=', userId)
    .where('date', '>', isoDate(dayNumber(lastDay) - HISTORY_DAYS))
    .where('date', '<=', lastDay)
    .execute()
  return { asOf: lastDay, accounts, liabilities, transactions }
}

async function newestDay(tx: Kysely<Schema>, userId: string): Promise<string | null> {
  const { newest } = await tx
    .selectFrom('transactions')
    .select(({ fn }) => fn.max<string | null>('date').as('newest'))
    .where('user_id', '=', userId)
    .executeTakeFirstOrThrow()
  return newest
}
