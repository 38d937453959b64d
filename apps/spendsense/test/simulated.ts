import { join } from 'node:path'
import { loadApp } from '@thaw/app'
import { type FunctionPackage, type SimulateOptions, simulate } from '@thaw/local'
import type { Running } from './application.ts'

export const root = join(import.meta.dirname, '..')

/** The application in simulated environments over a database: its sources, or its packages where they are given. */
export async function startSimulated(
  databaseUrl: string,
  {
    packages,
    environment,
  }: {
    readonly packages?: readonly FunctionPackage[]
    readonly environment?: Readonly<Record<string, string>>
  } = {},
): Promise<Running> {
  const loaded = await loadApp(root)
  const sources = { THAW_MIGRATIONS: join(root, 'migrations'), THAW_SEED: join(root, 'data') }
  const lines: string[] = []
  const options: SimulateOptions = {
    environment: { ...environment, DATABASE_URL: databaseUrl, ...(packages === undefined && sources) },
    log: (line) => lines.push(line),
    ...(packages !== undefined && { packages }),
  }
  const simulator = await simulate(loaded, options)
  const answer = await fetch(`${simulator.url}/api/stats`)
  if (answer.ok) return simulator
  await simulator.close()
  throw new Error(
    `the application does not start: ${answer.status} ${await answer.text()}\n${lines.join('\n')}`,
  )
}
