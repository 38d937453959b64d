import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryDirectory } from '@thaw/testing'
import { afterAll, afterEach } from 'vitest'
import { type ConnectOptions, connect, type Database, type Environment } from '../src/index.ts'

/** Where databases of one kind live, for the time of a test file. */
export interface Home {
  /** The URL of a database that does not exist, or is empty. */
  createUrl(): Promise<string>
  readonly env: Environment
  close(): Promise<void>
}

/** Makes databases in a home that is opened once, and closes everything. */
export function useHome(open: () => Promise<Home>) {
  let home: Promise<Home> | null = null
  const connected: Database<never>[] = []
  afterEach(async () => {
    await Promise.all(connected.splice(0).map((db) => db.shutdown()))
  })
  afterAll(async () => {
    await (await home)?.close()
  })
  const get = () => {
    home ??= open()
    return home
  }
  return {
    async url(): Promise<string> {
      return (await get()).createUrl()
    },
    async env(): Promise<Environment> {
      return (await get()).env
    },
    /** Connects to `url`, a new database when absent. */
    async connect<Schema>(options: ConnectOptions = {}): Promise<Database<Schema>> {
      const { env, createUrl } = await get()
      const db = connect<Schema>({ env, ...options, url: options.url ?? (await createUrl()) })
      connected.push(db as unknown as Database<never>)
      return db
    },
  }
}

export type UsedHome = ReturnType<typeof useHome>

/** A new folder with these files; it is removed at the end of the test file. */
export async function folderOf(files: Record<string, string>): Promise<string> {
  const directory = await temporaryDirectory('thaw-db')
  removals.push(directory.remove)
  const folder = join(directory.path, 'folder')
  await mkdir(folder)
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

const removals: (() => Promise<void>)[] = []

/** To be called once in every test file that makes folders. */
export function removeFolders(): void {
  afterAll(async () => {
    for (const remove of removals.splice(0)) await remove()
  })
}
