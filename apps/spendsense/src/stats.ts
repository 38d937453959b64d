import type { Kysely } from 'kysely'
import type { Schema } from './schema.ts'

export interface Stats {
  users: number
  accounts: number
  transactions: number
  liabilities: number
  /** Requests that stored rows. */
  ingests: number
  /** Stored sets of features, one for each user and window. */
  features: number
  /** Days of the oldest and the newest transaction; null where there is none. */
  firstDate: string | null
  lastDate: string | null
  /** All transactions, pending ones too. Out is negative. */
  totalInCents: number
  totalOutCents: number
}

/** One statement, so that the figures belong to one state of the database. */
export async function readStats(db: Kysely<Schema>): Promise<Stats> {
  return db
    .selectFrom('transactions')
    .select(({ fn, eb, selectFrom, val }) => {
      const total = (sign: '>' | '<') =>
        fn.coalesce(
          fn.sum<number>(eb.case().when('amount', sign, 0).then(eb.ref('amount')).else(0).end()),
          val(0),
        )
      const count = (table: 'users' | 'accounts' | 'liabilities' | 'ingests' | 'features') =>
        selectFrom(table).select(fn.countAll<number>().as('count')).$asScalar().$notNull()
      return [
        count('users').as('users'),
        count('accounts').as('accounts'),
        fn.countAll<number>().as('transactions'),
        count('liabilities').as('liabilities'),
        count('ingests').as('ingests'),
        count('features').as('features'),
        fn.min<string | null>('date').as('firstDate'),
        fn.max<string | null>('date').as('lastDate'),
        total('>').as('totalInCents'),
        total('<').as('totalOutCents'),
      ]
    })
    .executeTakeFirstOrThrow()
}
