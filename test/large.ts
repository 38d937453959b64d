import { execFile } from 'node:child_process'
import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startS3Server, temporaryDirectory } from '@thaw/testing'
import { build } from 'esbuild'
import { expect } from 'vitest'
import type { Outcome, Work } from './large-process.ts'

const SOURCE = fileURLToPath(new URL('./large-process.ts', import.meta.url))
/** As Lambda's start script starts Node for a function of 256 MB: 5 and 90 % of that. */
const NODE_OPTIONS = ['--max-semi-space-size=12', '--max-old-space-size=230']

export interface LargeDatabase {
  readonly bytes: number
  readonly pageSize: number
}

/** What no operation may exceed in memory, bytes. */
const LIMIT_BYTES = 256 * 1024 ** 2

/**
 * Imports a file, commits to it, snapshots, exports, forks and restores it, each in a process of its own that never has
 * more than 256 MB of memory; and compares all rows with the file, to which the same was done by SQLite alone.
 */
export async function roundTrip({ bytes, pageSize }: LargeDatabase): Promise<void> {
  await using directory = await temporaryDirectory('thaw-large')
  const server = await startS3Server()
  try {
    const path = (name: string) => join(directory.path, name)
    await bundle(path('program.mjs'))
    const env = { ...server.env, TMPDIR: directory.path }
    const [url, copy] = [server.urlOf('app'), server.urlOf('copy')]
    const run = async (work: Work): Promise<unknown> => {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [...NODE_OPTIONS, path('program.mjs'), JSON.stringify(work)],
        { env },
      )
      const { value, peakBytes }: Outcome = JSON.parse(stdout)
      const megabytes = Math.ceil(peakBytes / 1_000_000)
      console.info(`${work.do}, ${bytes / 1_000_000} MB, pages of ${pageSize}: ${megabytes} MB of memory`)
      if ('url' in work) expect(peakBytes, `${work.do}: peak of memory`).toBeLessThan(LIMIT_BYTES)
      return value
    }

    await run({ do: 'generate', path: path('in.db'), bytes, pageSize })
    expect(statSync(path('in.db')).size).toBeGreaterThan(bytes)
    await run({ do: 'import', url, path: path('in.db') })
    await run({ do: 'change', path: path('in.db') })
    const expected = await run({ do: 'digest', path: path('in.db') })
    const head = await run({ do: 'commit', url, directory: directory.path })
    const snapshot = `0009/${'1'.padStart(16, '0')}-${Number(head).toString(16).padStart(16, '0')}.ltx`
    expect(await run({ do: 'snapshot', url })).toEqual([snapshot])
    expect(await run({ do: 'export', url, path: path('out.db') })).toBe(head)
    expect(await run({ do: 'digest', path: path('out.db') })).toBe(expected)
    for (const name of ['in.db', 'out.db']) rmSync(path(name))
    expect(await run({ do: 'fork', url, to: copy })).toBe(head)
    expect(await run({ do: 'restore', url: copy, directory: directory.path })).toBe(expected)
  } finally {
    await server.close()
  }
}

/** Compiling the sources while they are loaded would take 47 MB, which a function never does. */
async function bundle(outfile: string): Promise<void> {
  const banner = `import{createRequire}from'node:module';const require=createRequire(import.meta.url)`
  await build({
    entryPoints: [SOURCE],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: banner },
  })
}
