import { randomUUID } from 'node:crypto'
import { type FileHandle, link, open, rename, rm, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isStream, pieces, signingTime } from '../bytes.ts'
import { changed, checkAlive, checkGet, checkPut } from '../checks.ts'
import { StoreError } from '../errors.ts'
import { checkKey, reservedSegment } from '../keys.ts'
import type {
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutBody,
  PutOptions,
  PutResult,
  StoredObject,
} from '../object-store.ts'
import { folderError, isAbsent, isFault } from './errors.ts'
import { createFile, describe, look, makeDirectory, readBytes, syncDirectory } from './files.ts'
import { folderLock } from './lock.ts'
import { sweep } from './sweep.ts'
import { walk } from './walk.ts'

/**
 * A store in a folder of a local file system, created by the first put. An object is a file of its name.
 *
 * Any number of processes may use the folder, all through the same path:
 * - `ifAbsent` is a hard link to a synced file: the system lets exactly one succeed.
 * - `ifMatch`, unconditional puts and deletes hold one lock, which ends with its process; after 10 seconds
 *   in the queue, a put with `ifMatch` is `busy` and the others throw `STORE_UNAVAILABLE`.
 * - What has resolved is on the disk.
 *
 * It has no clock to check `signedAt` against: it is for clients that do not freeze. `.thaw/` in it holds
 * the lock and temporary files.
 */
export function folderStore(path: string): ObjectStore {
  const root = resolve(path)
  const description = pathToFileURL(root).href
  const temporary = join(root, reservedSegment, 'tmp')
  const lock = folderLock(join(root, reservedSegment, 'lock'))
  const ready = new Set<string>()
  let swept = false

  async function openObject(key: string): Promise<{ file: FileHandle; info: ObjectInfo } | null> {
    let file: FileHandle
    try {
      file = await open(join(root, key), 'r')
    } catch (error) {
      if (isAbsent(error)) return null
      throw error
    }
    const stats = await file.stat({ bigint: true })
    if (stats.isFile()) return { file, info: describe(key, stats) }
    await file.close()
    return null
  }

  async function get(key: string, options: GetOptions = {}): Promise<StoredObject | null> {
    checkGet(key, options, description)
    const details = { operation: 'get', store: description, key } as const
    try {
      const found = await openObject(key)
      if (!found) return null
      const { info } = found
      await using file = found.file
      if (options.ifMatch !== undefined && options.ifMatch !== info.etag)
        throw changed(key, options.ifMatch, description)
      const start = Math.min(options.range?.start ?? 0, info.size)
      const end = Math.min(options.range?.end ?? info.size, info.size)
      const body = await readBytes(file, start, end)
      if (body.length < end - start)
        throw new StoreError('STORE_BAD_ANSWER', 'the file was cut short while it was read', details)
      return { ...info, body }
    } catch (error) {
      throw folderError(error, details)
    }
  }

  async function head(key: string, options: { signal?: AbortSignal } = {}): Promise<ObjectInfo | null> {
    checkKey(key, 'head', description)
    checkAlive('head', description, key, options.signal)
    try {
      return await look(root, key)
    } catch (error) {
      throw folderError(error, { operation: 'head', store: description, key })
    }
  }

  async function put(key: string, body: PutBody, options: PutOptions = {}): Promise<PutResult> {
    checkPut(key, options, description)
    const details = { operation: 'put', store: description, key } as const
    // Once its name may be in place, a failure no longer tells whether the object is there.
    const state = { unknown: false }
    const draft = join(temporary, randomUUID())
    try {
      if (options.ifAbsent && (await look(root, key))) return { outcome: 'exists' }
      await prepare(temporary)
      await prepare(dirname(join(root, key)))
      await using file = await createFile(
        draft,
        isStream(body) ? marked(body) : pieces(body),
        options.timestamp,
      )
      const own = describe(key, await file.stat({ bigint: true }))
      if (!swept) await sweep(temporary, own.modifiedAt)
      swept = true
      await askCaller(() => signingTime(options))
      checkAlive('put', description, key, options.signal)
      return options.ifAbsent
        ? await create(key, draft, own, state)
        : await replace(key, draft, own, state, options.ifMatch)
    } catch (error) {
      if (error instanceof CallersError) throw error.cause
      throw folderError(error, { ...details, unknown: state.unknown })
    } finally {
      await rm(draft, { force: true }).catch(() => {}) // sweep() finds what stays behind
    }
  }

  async function create(
    key: string,
    draft: string,
    own: ObjectInfo,
    state: { unknown: boolean },
  ): Promise<PutResult> {
    const target = join(root, key)
    try {
      await link(draft, target)
    } catch (error) {
      if (!isFault(error, 'EEXIST')) throw error
      const there = await stat(target, { bigint: true }).catch(() => null)
      if (there && !there.isFile()) throw error
      // A network file system may have linked it and lost its own answer: then the file there is ours.
      if (!there || describe(key, there).etag !== own.etag) return { outcome: 'exists' }
    }
    state.unknown = true
    await syncDirectory(dirname(target))
    return { outcome: 'stored', etag: own.etag }
  }

  async function replace(
    key: string,
    draft: string,
    own: ObjectInfo,
    state: { unknown: boolean },
    ifMatch: string | undefined,
  ): Promise<PutResult> {
    const target = join(root, key)
    const done = await lock.run(async (): Promise<PutResult> => {
      if (ifMatch !== undefined && (await look(root, key))?.etag !== ifMatch) return { outcome: 'changed' }
      await rename(draft, target)
      state.unknown = true
      await syncDirectory(dirname(target))
      return { outcome: 'stored', etag: own.etag }
    })
    if (done) return done.value
    if (ifMatch !== undefined) return { outcome: 'busy' }
    throw lockTaken('put', key)
  }

  function lockTaken(operation: 'put' | 'delete', key?: string): StoreError {
    const message = 'another process has held the lock of the folder for 10 seconds'
    return new StoreError('STORE_UNAVAILABLE', message, { operation, store: description, key })
  }

  async function prepare(directory: string): Promise<void> {
    if (ready.has(directory) && (await exists(directory))) return
    await makeDirectory(root, directory)
    ready.add(directory)
  }

  async function* list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    try {
      for await (const object of walk(root, prefix, options.startAfter ?? '')) {
        checkAlive('list', description, undefined, options.signal)
        yield object
      }
    } catch (error) {
      throw folderError(error, { operation: 'list', store: description })
    }
  }

  async function remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) checkKey(key, 'delete', description)
    const directories = new Set<string>()
    let current: string | undefined
    try {
      if (!(await exists(root))) return
      const done = await lock.run(async () => {
        for (const key of keys) {
          current = key
          if (await unlinkFile(join(root, key))) directories.add(dirname(join(root, key)))
        }
        for (const directory of directories) await syncDirectory(directory)
      })
      if (!done) throw lockTaken('delete')
    } catch (error) {
      throw folderError(error, { operation: 'delete', store: description, key: current })
    }
  }

  return {
    description,
    get,
    head,
    put,
    list,
    delete: remove,
    close: async () => lock.close(),
  }
}

/** Holds what the caller's own stream or function threw, to tell it from what the file system says. */
class CallersError extends Error {}

async function askCaller<T>(ask: () => T | Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    throw new CallersError('thrown by the caller', { cause })
  }
}

async function* marked(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = stream[Symbol.asyncIterator]()
  try {
    for (;;) {
      const { done, value } = await askCaller(() => source.next())
      if (done) return
      yield value
    }
  } finally {
    await source.return?.()
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null
}

/** False when there is no such file. */
async function unlinkFile(path: string): Promise<boolean> {
  try {
    await unlink(path)
    return true
  } catch (error) {
    if (isAbsent(error)) return false
    if (isFault(error, 'EISDIR', 'EPERM') && (await stat(path)).isDirectory()) return false
    throw error
  }
}
