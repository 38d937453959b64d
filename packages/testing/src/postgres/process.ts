import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type ChildWork, runChild } from '../child.ts'
import { freePort } from '../port.ts'
import { temporaryDirectory } from '../temporary.ts'
import { type Installation, installation, type User, unprivilegedUser } from './binaries.ts'

// PostgreSQL's keeper: starts the server, and stops it and removes its data when the parent is gone.

const execute = promisify(execFile)

/** A port that was free may be taken in the meantime. */
const startTries = 5

await runChild(async (): Promise<ChildWork<{ port: number }>> => {
  const directory = await temporaryDirectory('thaw-postgres')
  try {
    const user = await unprivilegedUser()
    const installed = await installation(directory.path, user)
    const data = join(directory.path, 'data')
    await mkdir(data)
    if (user) await chown(data, user.uid, user.gid)
    await initialise(installed, data, user)
    const { server, port } = await start(installed, data, user)
    return {
      ready: { port },
      async close() {
        await stop(server)
        await directory.remove()
      },
    }
  } catch (error) {
    await directory.remove()
    throw error
  }
})

/** As whom, where, and in which language the programs run. */
function surroundings(data: string, user: User | null) {
  return { ...user, cwd: data, env: { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC' } }
}

async function initialise({ path }: Installation, data: string, user: User | null): Promise<void> {
  // Trust: it listens on this machine only, and holds nothing but a test's data.
  const options = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--no-locale', '--no-sync']
  await execute(join(path, 'bin', 'initdb'), [`--pgdata=${data}`, ...options], surroundings(data, user))
}

async function start(
  { path }: Installation,
  data: string,
  user: User | null,
): Promise<{ server: ChildProcess; port: number }> {
  let log = ''
  for (let i = 0; i < startTries; i++) {
    const port = await freePort()
    const settings = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: 200,
      fsync: 'off',
      synchronous_commit: 'off',
      full_page_writes: 'off',
    }
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const server = spawn(join(path, 'bin', 'postgres'), ['-D', data, '-p', String(port), ...flags], {
      ...surroundings(data, user),
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    log = await startUp(server)
    if (server.exitCode === null && server.signalCode === null) {
      server.stderr?.resume()
      return { server, port }
    }
    if (!log.includes('could not bind')) break
  }
  throw new Error(`PostgreSQL does not start:\n${log}`)
}

/** Resolves with what the server has written, once it accepts connections or has ended. */
function startUp(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let log = ''
    server.stderr?.on('data', (text) => {
      log += text
      if (log.includes('ready to accept connections')) resolve(log)
    })
    server.on('error', reject)
    server.on('close', () => resolve(log))
  })
}

/** SIGINT is PostgreSQL's fast shutdown: it ends open sessions. */
async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const gone = once(server, 'exit')
  server.kill('SIGINT')
  await gone
}
