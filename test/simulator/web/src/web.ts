import { connect } from '@thaw/db'
import { getInvocation, serve } from '@thaw/lambda'

interface Schema {
  notes: { text: string }
}

const db = connect<Schema>()
const together = 8
let waiting: (() => void)[] = []

/** Until as many requests have come this far as one environment may have. */
async function all(): Promise<void> {
  await new Promise<void>((resolve) => {
    waiting.push(resolve)
    if (waiting.length < together) return
    for (const go of waiting) go()
    waiting = []
  })
}

/** POST writes a note among others that do so at once; GET tells them all. */
export const handler = serve(
  async (request: Request) => {
    if (request.method === 'POST') {
      const text = await request.text()
      await all()
      await db.insertInto('notes').values({ text }).execute()
      if (text === 'fail') throw Object.assign(new Error('as told'), { status: 418 })
    }
    const notes = await db.selectFrom('notes').select('text').execute()
    const { requestId } = getInvocation() ?? {}
    return Response.json({ pid: process.pid, requestId, notes: notes.map(({ text }) => text) })
  },
  { with: [db] },
)
