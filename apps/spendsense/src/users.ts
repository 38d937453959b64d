import type { Kysely } from 'kysely'
import { RequestError } from './errors.ts'
import type { Schema, User } from './schema.ts'

export const MAX_PAGE = 200

export interface UserPage {
  users: User[]
  /** Give it as `after` to get the next page; null on the last one. */
  next: string | null
}

/** Users by id, in the database's order of text; `limit` is 1 to `MAX_PAGE`. */
export async function listUsers(
  db: Kysely<Schema>,
  limit: number,
  after: string | undefined,
): Promise<UserPage> {
  let query = db
    .selectFrom('users')
    .selectAll()
    .orderBy('id')
    .limit(limit + 1)
  if (after !== undefined) query = query.where('id', '>', after)
  const found = await query.execute()
  const users = found.slice(0, limit)
  return { users, next: found.length > limit ? (users.at(-1)?.id ?? null) : null }
}

/** Throws `RequestError` (`USER_NOT_FOUND`). */
export async function requireUser(db: Kysely<Schema>, id: string): Promise<User> {
  const user = await db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst()
  if (user === undefined) throw new RequestError('USER_NOT_FOUND', `There is no user ${JSON.stringify(id)}.`)
  return user
}
