import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { serve } from '@thaw/lambda'
import { db } from './database.ts'

const sqs = new SQSClient()

/** POST sends a job to the queue; GET tells what has been done. */
export const handler = serve(
  async (request: Request) => {
    if (request.method === 'GET') {
      const rows = await db.selectFrom('results').select('job').orderBy('job').execute()
      return Response.json(rows.map(({ job }) => job))
    }
    const QueueUrl = process.env.WORKER_QUEUE_URL
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: await request.text() }))
    return new Response(null, { status: 202 })
  },
  { with: [db] },
)
