import { join } from 'node:path'
import { loadApp } from '@thaw/app'
import { buildApp } from '@thaw/deploy'
import { temporaryDirectory } from '@thaw/testing'
import { test } from 'vitest'
import { killUnderLoad, ROOT } from './kill.ts'

test('from the sources, every environment is killed sixty times under load', () => killUnderLoad(60), 600_000)

test('from the zips, every environment is killed thirty times under load', async () => {
  await using folder = await temporaryDirectory('thaw-proof')
  const build = await buildApp(await loadApp(ROOT), { outDir: join(folder.path, 'build') })
  await killUnderLoad(30, build.functions)
}, 600_000)
