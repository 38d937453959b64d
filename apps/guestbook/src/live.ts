import { socket } from '@thaw/lambda'
import { connections, db } from './database.ts'

/** Lets everybody in, who then hears of every greeting; what they say comes back to them. */
export const handler = socket(
  {
    connect() {},
    message: ({ connectionId, body }) => connections.send(connectionId, body),
  },
  { with: [db], connections },
)
