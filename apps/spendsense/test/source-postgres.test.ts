import { startPostgres } from '@thaw/testing'
import { applicationTests } from './application.ts'
import { startSimulated } from './simulated.ts'

applicationTests('SpendSense from its sources, PostgreSQL', async () => {
  const server = await startPostgres()
  const application = await startSimulated(await server.createDatabase())
  return {
    url: application.url,
    async close() {
      await application.close()
      await server.close()
    },
  }
})
