import { socket } from '@thaw/lambda'
import { connections, db } from './database.ts'

export const handler = socket(
  {
    routes: {
      async count({ connectionId }) {
        const rows = await db.selectFrom('results').selectAll().execute()
        await connections.send(connectionId, { count: rows.length })
      },
    },
  },
  { with: [db], connections },
)
