import { once, type ScheduledEvent, schedule } from '@thaw/lambda'
import { beKilled, db } from './database.ts'

let isFirst = false

const work = once(db, async (_event: ScheduledEvent<unknown>, tx) => {
  await tx.insertInto('results').values({ job: 'nightly' }).execute()
  isFirst = true
})

export const handler = schedule(
  async (event) => {
    await work(event)
    if (isFirst) await beKilled('nightly')
    console.log('DONE nightly')
  },
  { with: [db] },
)
