import { basename, resolve } from 'node:path'
import type { Io } from '../command.ts'
import { UsageError } from '../errors.ts'
import { storeUrl, type Target } from './target.ts'

/**
 * The local file of `thaw db pull` and `push`: the one that was named, else one named after the database in the
 * current folder, `shop.sqlite` of `sqlite+s3://bucket/shop`. Absolute.
 * @throws UsageError when the name is empty
 */
export function localFile(named: string | undefined, target: Target, io: Io): string {
  if (named === '') throw new UsageError('The name of the file is empty.')
  if (named !== undefined) return resolve(io.directory, named)
  const { pathname, hostname } = new URL(storeUrl(target))
  const name = basename(pathname) || hostname || 'database'
  return resolve(io.directory, `${decodeURIComponent(name).replace(/[^\w.-]+/g, '_')}.sqlite`)
}
