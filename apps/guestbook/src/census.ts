import { once, type ScheduledEvent, schedule } from '@thaw/lambda'
import { db } from './database.ts'

/** Counts once for every event, however often it is delivered. */
const count = once(db, async ({ key, dueAt }: ScheduledEvent<unknown>, tx) => {
  const { entries } = await tx
    .selectFrom('entries')
    .select((e) => e.fn.countAll<number>().as('entries'))
    .executeTakeFirstOrThrow()
  const due_at = dueAt === null ? null : new Date(dueAt).toISOString()
  await tx.insertInto('census').values({ key, due_at, entries }).execute()
})

export const handler = schedule(count, { with: [db] })
