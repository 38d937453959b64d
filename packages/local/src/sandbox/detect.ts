import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { folderSandbox } from './folder.ts'
import { namespaceSandbox } from './namespace.ts'
import type { Isolation, Sandbox } from './temporary.ts'

/**
 * The best that this machine allows, found by trying: `namespace` on Linux for root, or where users may have
 * namespaces of their own; else `folder`. `root` is the simulator's folder. `wanted` leaves out what is better.
 */
export async function detectSandbox(root: string, wanted: Isolation = 'namespace'): Promise<Sandbox> {
  if (wanted === 'folder' || process.platform !== 'linux') return folderSandbox
  const sandbox = namespaceSandbox(root)
  return sandbox !== null && (await works(sandbox, join(root, 'trial'))) ? sandbox : folderSandbox
}

async function works(sandbox: Sandbox, directory: string): Promise<boolean> {
  try {
    const storage = await sandbox.open({ directory, sizeMb: 1, opt: null, visible: [] })
    try {
      const [file, ...args] = storage.wrap(['true'], '/')
      await promisify(execFile)(file, args)
      return true
    } finally {
      await storage.close()
    }
  } catch {
    return false
  }
}
