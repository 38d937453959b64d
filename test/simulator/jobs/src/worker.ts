import { type Message, once, queue } from '@thaw/lambda'
import { beKilled, connections, db, type Job } from './database.ts'

const work = once(db, async ({ body, receiveCount }: Message<Job>, tx) => {
  await tx.insertInto('results').values({ job: body.job }).execute()
  if (body.act === 'fail') throw new Error('as told')
  if (body.act === 'before' && receiveCount === 1) await beKilled(body.job)
})

export const handler = queue(
  async (message: Message<Job>) => {
    const { body, receiveCount } = message
    console.log(`RECEIVED ${body.job} ${receiveCount}`)
    await work(message)
    if (body.act === 'after' && receiveCount === 1) await beKilled(body.job)
    await connections.broadcast({ done: body.job })
    console.log(`DONE ${body.job}`)
  },
  { with: [db] },
)
