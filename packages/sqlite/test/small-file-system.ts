import { execFileSync } from 'node:child_process'
import { mkdirSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { temporaryDirectory } from './kit.ts'

/** An empty file system of so many bytes; null where none can be had: only root may mount one, and not everywhere. */
export function smallFileSystem(bytes: number): string | null {
  const at = join(temporaryDirectory(), 'small')
  mkdirSync(at)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', at], { stdio: 'ignore' })
  } catch {
    return null
  }
  onTestFinished(() => {
    execFileSync('umount', ['-l', at])
  })
  return at
}

/** Fills a file system by a file `other`, but for so many bytes. */
export function fillUp(at: string, butFor: number): void {
  const { bavail, bsize } = statfsSync(at)
  writeFileSync(join(at, 'other'), new Uint8Array(Math.max(0, bavail * bsize - butFor)))
}
