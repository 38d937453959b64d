import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { detectSandbox } from './detect.ts'
import type { Sandbox, TemporaryStorage } from './temporary.ts'

let root: string

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'thaw-test-root '))
})

afterEach(() => rm(root, { recursive: true }))

/** Runs a shell in a storage, where `$T` is its path. */
async function shell(storage: TemporaryStorage, script: string): Promise<string> {
  const [file, ...args] = storage.wrap(['/bin/sh', '-c', script], '/usr')
  const env = { PATH: '/usr/bin:/bin', T: storage.path }
  return (await promisify(execFile)(file, args, { env, cwd: '/usr' })).stdout.trim()
}

const open = (sandbox: Sandbox, name: string, visible: readonly string[] = [], opt: string | null = null) =>
  sandbox.open({ directory: join(root, 'environments', name), sizeMb: 1, opt, visible })

describe.each(['namespace', 'folder'] as const)('storage of an environment: %s', (wanted) => {
  const can = wanted === 'folder' || process.platform === 'linux'

  test.skipIf(!can)('outlives its processes, is nobody else’s, and is gone when closed', async ({ skip }) => {
    const sandbox = await detectSandbox(root, wanted)
    if (sandbox.isolation !== wanted) skip()
    const [one, other] = await Promise.all([open(sandbox, 'one'), open(sandbox, 'other')])
    await shell(one, 'echo kept > "$T/file"; pwd > "$T/folder"')
    expect(await shell(one, 'cat "$T/file"')).toBe('kept')
    expect(await shell(one, 'cat "$T/folder"')).toBe('/usr')
    expect(await shell(other, 'ls "$T"')).toBe('')
    expect(await shell(one, 'env | sort')).toBe(`PATH=/usr/bin:/bin\nPWD=/usr\nT=${one.path}`)
    await Promise.all([one.close(), other.close()])
    expect(await readdir(join(root, 'environments'))).toEqual([])
    // Nothing of it is mounted here or elsewhere.
    expect(await mountsOf(root)).toEqual([])
  })
})

async function mountsOf(path: string): Promise<string[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  const tables = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '')),
  )
  return tables
    .join('')
    .split('\n')
    .filter((line) => line.includes(path.replaceAll(' ', '\\040')))
}

test.skipIf(process.platform !== 'linux')(
  'in a namespace, what lies below /tmp is shown where asked for',
  async ({ skip }) => {
    const sandbox = await detectSandbox(root)
    if (sandbox.isolation !== 'namespace') skip()
    const shown = mkdtempSync('/tmp/thaw-test-shown-')
    const bucket = join(shown, 'a b#c', 'bucket')
    try {
      await writeFile(join(shown, 'file'), 'shown')
      const compiled = join(root, 'compiled')
      const storage = await open(sandbox, 'one', [join(shown, 'deep/er'), compiled, '/usr/bin', bucket])
      expect(await shell(storage, `cat ${shown}/file; ls /tmp; echo x > "${compiled}/module"`)).toContain(
        'shown',
      )
      expect(await readdir(compiled)).toEqual(['module'])
      // Of the simulator's own folder only what was named.
      expect(await shell(storage, `ls "${root}"`)).toBe('compiled')
      await storage.close()
    } finally {
      await rm(shown, { recursive: true })
    }
  },
)

/** A folder in the real `/opt`; null where this process may not make one. */
function folderInOpt(): string | null {
  try {
    return mkdtempSync('/opt/thaw-test-')
  } catch {
    return null
  }
}

test.skipIf(process.platform !== 'linux')(
  'in a namespace, /opt is the content of layers, and what else is asked for below it',
  async ({ skip }) => {
    const sandbox = await detectSandbox(root)
    const shown = folderInOpt()
    if (sandbox.isolation !== 'namespace' || shown === null) return skip()
    try {
      await writeFile(join(shown, 'file'), 'shown')
      const layer = join(root, 'layer')
      await mkdir(layer)
      await writeFile(join(layer, 'mine'), 'of the layer')
      const storage = await open(sandbox, 'one', [shown], layer)
      expect(storage.opt).toBe('/opt')
      expect(await shell(storage, 'cat /opt/mine')).toBe('of the layer')
      expect(await shell(storage, `cat ${shown}/file; ls /opt`)).toBe(`shownmine\n${basename(shown)}`)
      expect(await shell(storage, 'touch /opt/new 2>/dev/null || echo refused')).toBe(
        process.getuid?.() === 0 ? 'refused' : '',
      )
      const other = await open(sandbox, 'other')
      expect(await shell(other, 'ls /opt')).not.toContain('mine')
      await Promise.all([storage.close(), other.close()])
      expect(await mountsOf(root)).toEqual([])
    } finally {
      await rm(shown, { recursive: true })
    }
  },
)

/** Whether this process may become another user, to see what such a user may do. */
const mayBecome = process.platform === 'linux' && process.getuid?.() === 0

test.skipIf(!mayBecome)(
  'users without privileges have namespaces where the system allows it',
  async ({ skip }) => {
    const allowed = spawn('unshare', ['--user', '--map-root-user', 'true'], { uid: 65534, gid: 65534 })
    const [code] = await once(allowed, 'exit')
    if (code !== 0) skip()
    await chmod(root, 0o777)
    const program = fileURLToPath(new URL('../../test/fixtures/unprivileged.ts', import.meta.url))
    const child = spawn(process.execPath, [program, join(root, 'of-nobody')], {
      uid: 65534,
      gid: 65534,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {},
    })
    expect(JSON.parse(await text(child.stdout))).toEqual({
      isolation: 'namespace',
      // Nobody, as before; and no right to touch the mounts.
      user: '65534 65534',
      kept: 'kept',
      layer: 'of the layer',
      full: expect.stringContaining('No space left'),
      unmounting: 'refused',
    })
  },
)
