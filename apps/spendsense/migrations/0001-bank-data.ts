import type { Kysely } from 'kysely'

/** Users, their accounts, transactions and liabilities, the journal of what was ingested, and the features computed from them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('users')
    .addColumn('id', 'text', (c) => c.primaryKey().notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('email', 'text')
    .addColumn('created_on', 'text', (c) => c.notNull())
    .execute()

  await db.schema
    .createTable('accounts')
    .addColumn('id', 'text', (c) => c.primaryKey().notNull())
    .addColumn('user_id', 'text', (c) => c.notNull().references('users.id'))
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('subtype', 'text', (c) => c.notNull())
    .addColumn('balance_available', 'integer')
    .addColumn('balance_current', 'integer', (c) => c.notNull())
    .addColumn('balance_limit', 'integer')
    .addColumn('currency', 'text', (c) => c.notNull())
    .addColumn('holder_category', 'text', (c) => c.notNull())
    .execute()
  await db.schema.createIndex('accounts_by_user').on('accounts').column('user_id').execute()

  await db.schema
    .createTable('transactions')
    .addColumn('id', 'text', (c) => c.primaryKey().notNull())
    .addColumn('account_id', 'text', (c) => c.notNull().references('accounts.id'))
    .addColumn('user_id', 'text', (c) => c.notNull().references('users.id'))
    .addColumn('date', 'text', (c) => c.notNull())
    .addColumn('amount', 'integer', (c) => c.notNull())
    .addColumn('merchant_name', 'text')
    .addColumn('merchant_entity_id', 'text')
    .addColumn('payment_channel', 'text', (c) => c.notNull())
    .addColumn('category_primary', 'text')
    .addColumn('category_detailed', 'text')
    .addColumn('pending', 'integer', (c) => c.notNull())
    .execute()
  await db.schema
    .createIndex('transactions_by_user')
    .on('transactions')
    .columns(['user_id', 'date'])
    .execute()

  await db.schema
    .createTable('liabilities')
    .addColumn('account_id', 'text', (c) => c.primaryKey().notNull().references('accounts.id'))
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('purchase_apr', 'double precision')
    .addColumn('cash_apr', 'double precision')
    .addColumn('balance_transfer_apr', 'double precision')
    .addColumn('interest_rate', 'double precision')
    .addColumn('minimum_payment', 'integer')
    .addColumn('last_payment', 'integer')
    .addColumn('last_payment_date', 'text')
    .addColumn('last_statement_balance', 'integer')
    .addColumn('next_due_date', 'text')
    .addColumn('overdue', 'integer', (c) => c.notNull())
    .execute()

  await db.schema
    .createTable('ingests')
    .addColumn('id', 'text', (c) => c.primaryKey().notNull())
    .addColumn('received_at', 'text', (c) => c.notNull())
    .addColumn('users', 'integer', (c) => c.notNull())
    .addColumn('accounts', 'integer', (c) => c.notNull())
    .addColumn('transactions', 'integer', (c) => c.notNull())
    .addColumn('liabilities', 'integer', (c) => c.notNull())
    .execute()

  await db.schema
    .createTable('features')
    .addColumn('user_id', 'text', (c) => c.notNull().references('users.id'))
    .addColumn('window_days', 'integer', (c) => c.notNull())
    .addColumn('as_of', 'text')
    .addColumn('computed_at', 'text', (c) => c.notNull())
    .addColumn('features', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('features_key', ['user_id', 'window_days'])
    .execute()
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const table of ['features', 'ingests', 'liabilities', 'transactions', 'accounts', 'users']) {
    await db.schema.dropTable(table).execute()
  }
}
