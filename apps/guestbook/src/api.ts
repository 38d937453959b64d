import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { serve } from '@thaw/lambda'
import { Hono } from 'hono'
import { db } from './database.ts'

const sqs = new SQSClient()
const app = new Hono()

app.get('/entries', async (c) => c.json(await db.selectFrom('entries').selectAll().orderBy('id').execute()))

app.get('/census', async (c) => c.json(await db.selectFrom('census').selectAll().orderBy('due_at').execute()))

app.post('/entries', async (c) => {
  const { id, text } = await c.req.json<{ id: string; text: string }>()
  const key = c.req.header('idempotency-key') // a repeated request gets the first answer
  // Durable when it resolves.
  await db.atomic(
    async (tx) => {
      await tx.insertInto('entries').values({ id, text }).execute()
    },
    key ? { key } : {},
  )
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: process.env.GREETER_QUEUE_URL,
      MessageBody: JSON.stringify({ id }),
    }),
  )
  return c.json({ id }, 201)
})

app.onError((error) => {
  throw error // Hono would answer 500; serve answers 503 where it is worth another try
})

export const handler = serve(app, { with: [db] })
