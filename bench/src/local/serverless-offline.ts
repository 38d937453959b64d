import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePort } from '@thaw/testing'

const versions = { serverless: '3.40.0', 'serverless-offline': '13.9.0' }
const folder = fileURLToPath(new URL('../../.thaw/serverless-offline', import.meta.url))
const handler = fileURLToPath(new URL('./app/src/hello.mjs', import.meta.url))

/** serverless-offline with the same function, in a process of its own. */
export interface Peer {
  readonly url: string
  readonly pid: number
  /** Addresses of the same function under other names: none of them has been asked yet. */
  readonly untouched: readonly string[]
  close(): Promise<void>
}

/** Installs it when it is not there: 490 packages, so they are none of the workspace's. */
export async function installServerlessOffline(): Promise<void> {
  if (existsSync(join(folder, 'node_modules/serverless-offline'))) return
  const begun = `${folder}.begun`
  await rm(begun, { recursive: true, force: true })
  await mkdir(begun, { recursive: true })
  await writeFile(join(begun, 'package.json'), JSON.stringify({ private: true, dependencies: versions }))
  const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts']
  await promisify(execFile)('npm', args, { cwd: begun })
  await rm(folder, { recursive: true, force: true })
  await rename(begun, folder)
}

/** @param cold how many functions there are besides the one at `url` */
export async function startServerlessOffline(cold: number): Promise<Peer> {
  const project = join(folder, 'project')
  await mkdir(project, { recursive: true })
  const names = ['hello', ...Array.from({ length: cold }, (_, index) => `cold${index}`)]
  const functions = names.map((name) => [name, { handler: 'hello.handler', events: [event(name)] }])
  const service = {
    service: 'bench',
    plugins: ['serverless-offline'],
    provider: { name: 'aws', runtime: 'nodejs20.x' },
    functions: Object.fromEntries(functions),
  }
  await writeFile(join(project, 'serverless.json'), JSON.stringify(service))
  await writeFile(join(project, 'hello.mjs'), `export { handler } from ${JSON.stringify(handler)}`)
  const [http, lambda] = [await freePort(), await freePort()]
  const ports = ['--httpPort', String(http), '--lambdaPort', String(lambda)]
  const child = spawn(
    process.execPath,
    [join(folder, 'node_modules/serverless/bin/serverless.js'), 'offline', 'start', ...ports],
    {
      cwd: project,
      stdio: 'ignore',
      env: { PATH: process.env.PATH, HOME: project, CI: '1', SLS_TELEMETRY_DISABLED: '1' },
    },
  )
  const exited = once(child, 'exit')
  const base = `http://127.0.0.1:${http}`
  while (!(await answers(`${base}/nothing`))) {
    if (child.exitCode !== null) throw new Error(`serverless-offline ended with ${child.exitCode}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const [first = '', ...others] = names.map((name) => `${base}/${name}`)
  return {
    url: first,
    pid: child.pid ?? 0,
    untouched: others,
    async close() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

function event(name: string): object {
  return { httpApi: { method: 'GET', path: `/${name}` } }
}

async function answers(url: string): Promise<boolean> {
  return await fetch(url).then(
    (response) => response.arrayBuffer().then(() => true),
    () => false,
  )
}
