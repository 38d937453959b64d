import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A folder with files in it, for as long as a test takes. */
export interface TestProject {
  readonly root: string
  /** @param name relative to the root; folders are made. */
  write(name: string, text: string): Promise<void>
  remove(): Promise<void>
}

/**
 * A new project in the repository, where packages can be imported, that git does not see: below `.thaw` beside the caller.
 *
 * @param beside `import.meta.url` of the caller
 */
export async function makeProjectBeside(
  beside: string,
  files: Readonly<Record<string, string>> = {},
): Promise<TestProject> {
  const parent = fileURLToPath(new URL('./.thaw', beside))
  await mkdir(parent, { recursive: true })
  const root = await mkdtemp(join(parent, 'project-'))
  const write = async (name: string, text: string) => {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
  for (const [name, text] of Object.entries(files)) await write(name, text)
  return { root, write, remove: () => rm(root, { recursive: true, force: true }) }
}
