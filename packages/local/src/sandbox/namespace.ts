import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, closeSync, constants, existsSync, openSync, statSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Sandbox, TemporaryStorage } from './temporary.ts'
import { shownBelowTmp } from './visible.ts'

/** Programs of util-linux and coreutils, by absolute path. */
interface Tools {
  readonly unshare: string
  readonly nsenter: string
  readonly env: string
  readonly sh: string
}

/**
 * A tmpfs over `/tmp` in a mount namespace for each environment. Nothing but this process's file descriptor and the
 * environment's own processes hold the namespace, so however this process ends, no mount is left.
 *
 * `root` is the folder of the simulator. Null where the tools are missing; whether the system lets them do it shows
 * when a storage is opened.
 */
export function namespaceSandbox(root: string): Sandbox | null {
  const tools = findTools()
  if (tools === null || process.getuid === undefined || process.getgid === undefined) return null
  const user = process.getuid() === 0 ? null : { uid: process.getuid(), gid: process.getgid() }
  return {
    isolation: 'namespace',
    async open({ directory, sizeMb, visible }) {
      await mkdir(directory, { recursive: true })
      const shown = await folders(shownBelowTmp(visible, root))
      const table = join(directory, 'fstab')
      // The tmpfs is filled in the folder, which still sees the real /tmp, and moved over it then.
      const stage = join(directory, 'tmp')
      // There already after a try that failed.
      await mkdir(stage, { recursive: true })
      await writeFile(table, [tmpfs(stage, sizeMb), ...shown.map((path) => bind(path, stage))].join(''))
      const handles = await hold(tools, user === null ? [] : ['--user', '--map-root-user'], [table, stage])
      await rm(table)
      return storage(tools, user, handles, directory)
    },
  }
}

/** Makes those that are not there: the store whose folder it is would, but where nobody else sees it. */
async function folders(paths: readonly string[]): Promise<string[]> {
  for (const path of paths) if (!existsSync(path)) await mkdir(path, { recursive: true })
  return paths.filter((path) => statSync(path).isDirectory())
}

interface Handles {
  readonly mount: number
  readonly user: number
}

/** Runs until its input ends: long enough for the namespaces to be opened. */
const script = 'mount -n -a -T "$0" && mount -n --move "$1" /tmp && echo ready && read -r _'

async function hold(tools: Tools, flags: readonly string[], args: readonly string[]): Promise<Handles> {
  const child = spawn(
    tools.unshare,
    [...flags, '--mount', '--propagation', 'private', tools.sh, '-c', script, ...args],
    { stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: searchPath.join(':') } },
  )
  child.stdin.on('error', () => {})
  const complaint = text(child.stderr)
  const ended = once(child, 'close')
  const ready = await Promise.race([once(child.stdout, 'data').then(() => true), ended.then(() => false)])
  if (!ready) throw new Error(`cannot make a mount namespace: ${(await complaint).trim()}`)
  try {
    const mount = openSync(`/proc/${child.pid}/ns/mnt`, 'r')
    return { mount, user: openSync(`/proc/${child.pid}/ns/user`, 'r') }
  } finally {
    child.stdin.end()
    await ended
  }
}

function storage(
  tools: Tools,
  user: { readonly uid: number; readonly gid: number } | null,
  handles: Handles,
  directory: string,
): TemporaryStorage {
  const held = (handle: number) => `/proc/${process.pid}/fd/${handle}`
  const enter = [`--mount=${held(handles.mount)}`]
  if (user !== null) enter.push(`--user=${held(handles.user)}`, '--preserve-credentials')
  // Who was root for the mounts is the developer again, without any right over them.
  const drop =
    user === null ? [] : [tools.unshare, '--user', `--map-user=${user.uid}`, `--map-group=${user.gid}`]
  let open = true
  return {
    isolation: 'namespace',
    path: '/tmp',
    wrap: (command, folder) => [tools.nsenter, ...enter, ...drop, tools.env, '-C', folder, ...command],
    usedBytes: async () => null,
    close: async () => {
      if (open) for (const handle of [handles.mount, handles.user]) closeSync(handle)
      open = false
      await rm(directory, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

/** Lines of fstab(5). */
function tmpfs(stage: string, sizeMb: number): string {
  return `thaw ${escaped(stage)} tmpfs size=${sizeMb}m,mode=1777 0 0\n`
}

function bind(path: string, stage: string): string {
  return `${escaped(path)} ${escaped(stage + path.slice('/tmp'.length))} none rbind,X-mount.mkdir 0 0\n`
}

function escaped(path: string): string {
  return path.replaceAll(
    /[\\\s#]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  )
}

const searchPath = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin']

function findTools(): Tools | null {
  const find = (name: string) => searchPath.map((folder) => join(folder, name)).find(isProgram)
  const [unshare, nsenter, env, sh] = ['unshare', 'nsenter', 'env', 'sh'].map(find)
  if (unshare === undefined || nsenter === undefined || env === undefined || sh === undefined) return null
  return { unshare, nsenter, env, sh }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
