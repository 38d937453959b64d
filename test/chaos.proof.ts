import { join } from 'node:path'
import { loadApp } from '@thaw/app'
import { buildApp } from '@thaw/deploy'
import { temporaryDirectory } from '@thaw/testing'
import { expect, test } from 'vitest'
import { type ChaosRun, loadUnderChaos } from './chaos.ts'
import { ROOT } from './kill.ts'

// More kills, freezes and storms in a minute than AWS has in a year.
const run: ChaosRun = { seconds: 60, clients: 4, chaos: { rate: 3, bucket: 0.5 } }

async function prove(more: Partial<ChaosRun>): Promise<void> {
  const { kills, storms, freezes, bucket } = await loadUnderChaos({ ...run, ...more })
  // It has to have hit something of every kind, or nothing was shown.
  expect(kills).toMatchObject({ busy: expect.any(Number) })
  expect(storms).toBeGreaterThan(0)
  expect(freezes.busyMs.length).toBeGreaterThan(0)
  expect(freezes.cut).toBeGreaterThan(0)
  expect(freezes.clockAhead + freezes.clockBehind).toBeGreaterThan(0)
  for (const kind of ['delayed', 'unavailable', 'reset', 'lost-answer'] as const)
    expect(bucket[kind], kind).toBeGreaterThan(0)
}

test('a minute of chaos from the sources', () => prove({}), 300_000)

test('a minute of chaos from the zips', async () => {
  await using folder = await temporaryDirectory('thaw-chaos-build')
  const { functions } = await buildApp(await loadApp(ROOT), { outDir: join(folder.path, 'build') })
  await prove({ packages: functions })
}, 300_000)
