import { startS3Server } from '@thaw/testing'
import { applicationTests } from './application.ts'
import { startSimulated } from './simulated.ts'

applicationTests('SpendSense from its sources, SQLite in an S3 bucket', async () => {
  const server = await startS3Server()
  const application = await startSimulated(`sqlite+${server.urlOf('spendsense')}`, {
    environment: server.env,
  })
  return {
    url: application.url,
    async close() {
      await application.close()
      await server.close()
    },
  }
})
