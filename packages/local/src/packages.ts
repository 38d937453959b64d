import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { unzipSync } from 'fflate'
import { LocalError } from './errors.ts'
import { packageLimitBytes } from './limits.ts'

/** A packaged function: what would be deployed. */
export interface FunctionPackage {
  /** Of the function. */
  readonly name: string
  /** Path of the zip archive. */
  readonly zip: string
  /** `index.handler`. */
  readonly handler: string
  /** Variables that belong to the package: where in it things are. */
  readonly environment: Readonly<Record<string, string>>
  /** Folder of its source maps, which are not in the zip; stack traces point to the sources then. */
  readonly sourceMaps?: string
}

/**
 * Unpacks an archive into a folder that it creates. Throws `LocalError` `PACKAGE_INVALID` when it is no zip, is
 * over Lambda's 250 MB unpacked, or has a name that leads out of the folder; nothing has been written then.
 */
export async function unpack(zip: string, directory: string): Promise<void> {
  const files = readZip(zip, await readFile(zip).catch((error: Error) => invalid(zip, error.message, error)))
  for (const [name, bytes] of Object.entries(files)) {
    const path = join(directory, name)
    if (name.endsWith('/')) {
      await mkdir(path, { recursive: true })
      continue
    }
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, bytes)
  }
}

function readZip(zip: string, bytes: Uint8Array): Record<string, Uint8Array> {
  let total = 0
  try {
    return unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        total += originalSize
        if (name.startsWith('/') || /[\\\0]/.test(name) || name.split('/').includes('..')) {
          invalid(zip, `its entry '${name}' leads out of the package`)
        }
        if (total > packageLimitBytes) invalid(zip, `it holds more than ${packageLimitBytes} bytes unpacked`)
        return true
      },
    })
  } catch (error) {
    if (error instanceof LocalError) throw error
    return invalid(zip, `it is no zip archive (${error instanceof Error ? error.message : error})`, error)
  }
}

function invalid(zip: string, problem: string, cause?: unknown): never {
  throw new LocalError('PACKAGE_INVALID', `package ${zip}: ${problem}; build it again`, { cause })
}
