import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { loadApp } from '@thaw/app'
import { buildApp } from '@thaw/deploy'
import { temporaryDirectory } from '@thaw/testing'
import { applicationTests } from './application.ts'
import { root, startSimulated } from './simulated.ts'

applicationTests('SpendSense from its packages, SQLite in a bucket', async () => {
  const folder = await temporaryDirectory('spendsense')
  const build = await buildApp(await loadApp(root), { outDir: join(folder.path, 'build') })
  const bucket = pathToFileURL(join(folder.path, 'bucket'))
  const application = await startSimulated(`sqlite+${bucket}`, { packages: build.functions })
  return {
    url: application.url,
    async close() {
      await application.close()
      await folder.remove()
    },
  }
})
