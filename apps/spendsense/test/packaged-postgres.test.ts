import { join } from 'node:path'
import { loadApp } from '@thaw/app'
import { buildApp } from '@thaw/deploy'
import { startPostgres, temporaryDirectory } from '@thaw/testing'
import { applicationTests } from './application.ts'
import { root, startSimulated } from './simulated.ts'

applicationTests('SpendSense from its packages, PostgreSQL', async () => {
  const folder = await temporaryDirectory('spendsense')
  const build = await buildApp(await loadApp(root), { outDir: join(folder.path, 'build') })
  const server = await startPostgres()
  const packages = build.functions
  const application = await startSimulated(await server.createDatabase(), { packages })
  return {
    url: application.url,
    async close() {
      await application.close()
      await server.close()
      await folder.remove()
    },
  }
})
