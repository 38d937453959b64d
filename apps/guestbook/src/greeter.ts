import { type Message, once, queue } from '@thaw/lambda'
import { connections, db } from './database.ts'

/** Greets once, however often the message comes, and tells whoever watches. */
const greet = once(db, async ({ body: { id } }: Message<{ id: string }>, tx) => {
  const greeting = `Welcome, ${id}!`
  await tx.updateTable('entries').set({ greeting }).where('id', '=', id).execute()
})

export const handler = queue<{ id: string }>(
  async (message) => {
    await greet(message)
    await connections.broadcast({ greeted: message.body.id })
  },
  { with: [db] },
)
