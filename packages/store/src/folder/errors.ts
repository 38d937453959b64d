import { StoreError, type StoreErrorCode, type StoreErrorDetails } from '../errors.ts'

/** Whether the file system said one of these. */
export function isFault(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

/** There is no file of that name, or one of its directories is itself a file. */
export function isAbsent(error: unknown): boolean {
  return isFault(error, 'ENOENT', 'ENOTDIR')
}

/** What the file system said, as an error of ours. */
export function folderError(error: unknown, details: StoreErrorDetails): StoreError {
  if (error instanceof StoreError) return error
  const [code, message] = explain(error)
  return new StoreError(code, message, { ...details, cause: error })
}

function explain(error: unknown): readonly [StoreErrorCode, string] {
  const said = error instanceof Error ? error.message : String(error)
  if (isFault(error, 'EACCES', 'EPERM', 'EROFS'))
    return ['STORE_ACCESS_DENIED', `the file system refuses it; look at the permissions (${said})`]
  if (isFault(error, 'ENAMETOOLONG')) return ['STORE_BAD_KEY', `too long for a file name (${said})`]
  if (isFault(error, 'ENOTDIR', 'EISDIR', 'EEXIST'))
    return ['STORE_BAD_KEY', `in a folder, an object cannot have the name of a directory of others (${said})`]
  if (isFault(error, 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'))
    return ['STORE_REFUSED', `this file system lacks what a store needs, hard links for one (${said})`]
  return ['STORE_UNAVAILABLE', said]
}
