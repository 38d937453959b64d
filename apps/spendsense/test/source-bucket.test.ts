import { pathToFileURL } from 'node:url'
import { temporaryDirectory } from '@thaw/testing'
import { applicationTests } from './application.ts'
import { startSimulated } from './simulated.ts'

applicationTests('SpendSense from its sources, SQLite in a bucket', async () => {
  const bucket = await temporaryDirectory('spendsense')
  const application = await startSimulated(`sqlite+${pathToFileURL(bucket.path)}`)
  return {
    url: application.url,
    async close() {
      await application.close()
      await bucket.remove()
    },
  }
})
