import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string
  remove(): Promise<void>
}

/** A new, empty directory: `await using directory = await temporaryDirectory()`. */
export async function temporaryDirectory(name = 'thaw'): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), `${name}-`))
  await chmod(path, 0o755) // servers that run as another user look into it
  const remove = () => rm(path, { recursive: true, force: true, maxRetries: 3 })
  return { path, remove, [Symbol.asyncDispose]: remove }
}
