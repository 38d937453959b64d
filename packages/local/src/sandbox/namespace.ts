import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, statSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { isExecutable } from '../executable.ts'
import type { Sandbox, TemporaryStorage } from './temporary.ts'
import { shownBelow } from './visible.ts'

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
    async open({ directory, sizeMb, visible, opt }) {
      const table = join(directory, 'fstab')
      // Both are filled in the folder, which still sees the real /tmp and /opt, and moved over them then.
      const stages = { tmp: join(directory, 'tmp'), opt: join(directory, 'opt') }
      // There already after a try that failed.
      await mkdir(stages.tmp, { recursive: true })
      const shown = await folders(shownBelow('/tmp', visible, root))
      const lines = [tmpfs(stages.tmp, sizeMb), ...shown.map((path) => bind(path, stages.tmp, '/tmp'))]
      if (opt !== null) {
        await mkdir(stages.opt, { recursive: true })
        const beside = shownBelow('/opt', visible, root)
        // Nothing can be mounted in what is read-only, but on what is there.
        for (const path of beside) await mkdir(join(opt, path.slice('/opt'.length)), { recursive: true })
        // Who is not root cannot always make a mount read-only.
        lines.push(layers(opt, stages.opt, user === null))
        lines.push(...beside.map((path) => bind(path, stages.opt, '/opt')))
      }
      await writeFile(table, lines.join(''))
      const flags = user === null ? [] : ['--user', '--map-root-user']
      const handles = await hold(tools, flags, [table, stages.tmp, ...(opt === null ? [] : [stages.opt])])
      await rm(table)
      return storage(tools, user, handles, { directory, opt: opt === null ? null : '/opt' })
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
const script =
  'mount -n -a -T "$0" && if [ -n "$2" ]; then mount -n --move "$2" /opt; fi && mount -n --move "$1" /tmp && echo ready && read -r _'

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
  { directory, opt }: { readonly directory: string; readonly opt: string | null },
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
    opt,
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

/** `path` at its place below the stage of `mountPoint`. */
function bind(path: string, stage: string, mountPoint: string): string {
  return `${escaped(path)} ${escaped(stage + path.slice(mountPoint.length))} none rbind,X-mount.mkdir 0 0\n`
}

function layers(folder: string, stage: string, isReadOnly: boolean): string {
  return `${escaped(folder)} ${escaped(stage)} none rbind${isReadOnly ? ',ro' : ''} 0 0\n`
}

function escaped(path: string): string {
  return path.replaceAll(
    /[\\\s#]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  )
}

const searchPath = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin']

function findTools(): Tools | null {
  const find = (name: string) => searchPath.map((folder) => join(folder, name)).find(isExecutable)
  const [unshare, nsenter, env, sh] = ['unshare', 'nsenter', 'env', 'sh'].map(find)
  if (unshare === undefined || nsenter === undefined || env === undefined || sh === undefined) return null
  return { unshare, nsenter, env, sh }
}
