import type { Kysely } from 'kysely'
import { type Problem, RequestError } from '../errors.ts'
import type { Schema } from '../schema.ts'
import { BATCH, batches } from './batches.ts'
import { first, problem, type Rows } from './body.ts'

/**
 * Checks that every row belongs to something that is in the request or in the database, and to one owner.
 * Throws `RequestError` (`UNKNOWN_REFERENCE`) naming each row that does not.
 */
export async function checkReferences(tx: Kysely<Schema>, rows: Rows): Promise<void> {
  const sentUsers = new Set(rows.users.map(({ id }) => id))
  const userIds = [...rows.accounts, ...rows.transactions].map((row) => row.user_id)
  const users = await knownUsers(
    tx,
    userIds.filter((id) => !sentUsers.has(id)),
  )
  const hasUser = (id: string) => sentUsers.has(id) || users.has(id)

  const stored = await storedOwners(tx, [
    ...rows.accounts.map(({ id }) => id),
    ...[...rows.transactions, ...rows.liabilities].map((row) => row.account_id),
  ])
  const owners = new Map([...stored, ...rows.accounts.map(({ id, user_id }) => [id, user_id] as const)])

  const problems: Problem[] = []
  for (const [index, { id, user_id }] of rows.accounts.entries()) {
    if (!hasUser(user_id))
      problems.push(problem(['accounts', index, 'user_id'], `no user ${quoted(user_id)}`))
    else if ((stored.get(id) ?? user_id) !== user_id) {
      problems.push(problem(['accounts', index, 'user_id'], `account ${quoted(id)} belongs to another user`))
    }
  }
  for (const [index, { account_id, user_id }] of rows.transactions.entries()) {
    const at = (column: string) => ['transactions', index, column]
    const owner = owners.get(account_id)
    if (owner === undefined) problems.push(problem(at('account_id'), `no account ${quoted(account_id)}`))
    if (!hasUser(user_id)) problems.push(problem(at('user_id'), `no user ${quoted(user_id)}`))
    else if (owner !== undefined && owner !== user_id) {
      problems.push(problem(at('user_id'), `account ${quoted(account_id)} belongs to another user`))
    }
  }
  for (const [index, { account_id }] of rows.liabilities.entries()) {
    if (!owners.has(account_id)) {
      problems.push(problem(['liabilities', index, 'account_id'], `no account ${quoted(account_id)}`))
    }
  }
  if (problems.length > 0) {
    throw new RequestError('UNKNOWN_REFERENCE', `Nothing was stored. ${first(problems)}`, problems)
  }
}

async function knownUsers(tx: Kysely<Schema>, ids: readonly string[]): Promise<Set<string>> {
  const known = new Set<string>()
  for (const batch of batches([...new Set(ids)], BATCH)) {
    const found = await tx.selectFrom('users').select('id').where('id', 'in', batch).execute()
    for (const { id } of found) known.add(id)
  }
  return known
}

/** The owners of those of the accounts that are in the database. */
async function storedOwners(tx: Kysely<Schema>, ids: readonly string[]): Promise<Map<string, string>> {
  const owners = new Map<string, string>()
  for (const batch of batches([...new Set(ids)], BATCH)) {
    const found = await tx.selectFrom('accounts').select(['id', 'user_id']).where('id', 'in', batch).execute()
    for (const { id, user_id } of found) owners.set(id, user_id)
  }
  return owners
}

function quoted(id: string): string {
  return JSON.stringify(id)
}
