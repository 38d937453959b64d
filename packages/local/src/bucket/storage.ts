import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Catalogue, openCatalogue } from './catalogue.ts'

/** A folder with the catalogue and a file for the bytes of each object and each part. */
export interface Storage {
  readonly catalogue: Catalogue
  pathOf(file: string): string
  /** Writes a new file; when the bytes throw, there is none. */
  write(bytes: AsyncIterable<Uint8Array>): Promise<string>
  /** Removes files that nothing needs any more; who reads one at the moment reads on. */
  discard(files: readonly (string | undefined)[]): Promise<void>
  close(): void
}

/** A file that is not in the catalogue and older than this was left by a server that was killed. */
const leftoverMs = 60 * 60_000

export async function openStorage(directory: string): Promise<Storage> {
  const files = join(directory, 'files')
  mkdirSync(files, { recursive: true })
  const catalogue = openCatalogue(join(directory, 'catalogue.sqlite'))
  const pathOf = (file: string) => join(files, file)
  const discard = async (names: readonly (string | undefined)[]) => {
    await Promise.all(names.map((name) => name !== undefined && rm(pathOf(name), { force: true })))
  }

  const needed = catalogue.files()
  for (const name of await readdir(files)) {
    if (needed.has(name)) continue
    const { mtimeMs = Date.now() } = (await stat(pathOf(name)).catch(() => null)) ?? {}
    if (Date.now() - mtimeMs > leftoverMs) await discard([name])
  }

  return {
    catalogue,
    pathOf,
    discard,
    async write(bytes) {
      const name = randomUUID()
      const file = await open(pathOf(name), 'wx')
      try {
        for await (const piece of bytes) await file.writeFile(piece)
        return name
      } catch (error) {
        await discard([name])
        throw error
      } finally {
        await file.close()
      }
    },
    close: () => catalogue.close(),
  }
}
