import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { AppDefinition, LoadedApp } from '@thaw/app'
import { defineApp } from '@thaw/app'
import { unzipSync } from 'fflate'

const nodeModules = fileURLToPath(new URL('../../../node_modules', import.meta.url))

export interface Project {
  readonly loaded: LoadedApp
  readonly root: string
  /** An empty folder outside of the project. */
  readonly outDir: string
}

/** Temporary folders that are gone when the block that `using`s them ends. */
export interface Workspace extends AsyncDisposable {
  folder(): Promise<string>
  /** A project of these files, `depth` folders below a new temporary one. */
  project(
    definition: AppDefinition,
    files: Readonly<Record<string, string>>,
    depth?: number,
  ): Promise<Project>
  /** The files of a zip in an empty folder of their own. */
  extract(zip: string): Promise<string>
}

export function createWorkspace(): Workspace {
  const folders: string[] = []
  const folder = async () => {
    const path = await mkdtemp(join(tmpdir(), 'thaw-deploy-'))
    folders.push(path)
    return path
  }
  return {
    folder,
    async project(definition, files, depth = 0) {
      const root = join(await folder(), ...Array.from({ length: depth }, (_, index) => `deep${index}`))
      await mkdir(root, { recursive: true })
      await symlink(nodeModules, join(root, 'node_modules'))
      await writeAll(root, files)
      const loaded = { app: defineApp(definition), root, configFile: join(root, 'thaw.config.ts') }
      return { loaded, root, outDir: await folder() }
    },
    async extract(zip) {
      const target = await folder()
      for (const [name, bytes] of Object.entries(unzipSync(await readFile(zip)))) {
        await mkdir(dirname(join(target, name)), { recursive: true })
        await writeFile(join(target, name), bytes)
      }
      return target
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(folders.map((path) => rm(path, { recursive: true, force: true })))
    },
  }
}

async function writeAll(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
}

/** Runs a piece of module code in a process of its own, in `folder`, and gives what it prints. */
export async function runIn(
  folder: string,
  code: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const run = promisify(execFile)
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...env },
  })
  return stdout.trim()
}
