import type { BigIntStats } from 'node:fs'
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import type { ObjectInfo } from '../object-store.ts'
import { isAbsent } from './errors.ts'

/**
 * What a file is as an object. Its etag is made of what stays as it is while a file is linked, renamed and
 * unlinked elsewhere, and changes with every new file. The time of acceptance is the change time: the
 * modification time belongs to `PutOptions.timestamp`.
 */
export function describe(key: string, stats: BigIntStats): ObjectInfo {
  const parts = [stats.ino, stats.size, stats.mtimeNs, stats.birthtimeNs]
  const etag = `"${parts.map((part) => part.toString(36)).join('-')}"`
  return { key, size: Number(stats.size), etag, modifiedAt: Number(stats.ctimeMs) }
}

/** The object of this name; null when no file is. Throws what the file system says. */
export async function look(root: string, key: string): Promise<ObjectInfo | null> {
  try {
    const stats = await stat(join(root, key), { bigint: true })
    return stats.isFile() ? describe(key, stats) : null
  } catch (error) {
    if (isAbsent(error)) return null
    throw error
  }
}

/** Writes a new file, synced to the disk, and leaves it open. `timestamp` in ms becomes its modification time. */
export async function createFile(
  path: string,
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  timestamp: number | undefined,
): Promise<FileHandle> {
  const file = await open(path, 'wx+')
  try {
    for await (const part of parts) await writeWhole(file, part)
    if (timestamp !== undefined) await file.utimes(timestamp / 1000, timestamp / 1000)
    await file.sync()
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

async function writeWhole(file: FileHandle, part: Uint8Array): Promise<void> {
  for (let at = 0; at < part.length; ) {
    const { bytesWritten } = await file.write(part, at, part.length - at)
    at += bytesWritten
  }
}

/** The bytes [start, end) of a file; fewer when it ends before. */
export async function readBytes(file: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start)
  let at = 0
  while (at < bytes.length) {
    const { bytesRead } = await file.read(bytes, at, bytes.length - at, start + at)
    if (bytesRead === 0) break
    at += bytesRead
  }
  return bytes.subarray(0, at)
}

/** Makes the names in a directory survive a crash. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/** Creates a directory below `root`, and `root` itself, so that they survive a crash. */
export async function makeDirectory(root: string, path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true })
  // Another process may have created one of them and not have come to sync it: sync all below the root.
  const top = first !== undefined && !first.startsWith(root + sep) ? dirname(first) : root
  const steps = relative(top, path).split(sep).filter(Boolean)
  let directory = top
  for (const step of steps) {
    await syncDirectory(directory)
    directory += (directory.endsWith(sep) ? '' : sep) + step
  }
}
