export {
  StoreConfigError,
  type StoreConfigErrorCode,
  StoreError,
  type StoreErrorCode,
  type StoreErrorDetails,
  type StoreOperation,
} from './errors.ts'
export { folderStore } from './folder/folder.ts'
export { compareKeys } from './keys.ts'
export { type MemoryStoreOptions, memoryStore } from './memory.ts'
export type {
  ByteRange,
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutBody,
  PutOptions,
  PutResult,
  StoredObject,
} from './object-store.ts'
export { type ObjectAddress, objectAddress } from './object-url.ts'
export { bucketSettings, openStore, type StoreEnvironment } from './open.ts'
export { prefixed } from './prefixed.ts'
export { probeConditionalPut } from './probe.ts'
export type { S3Credentials, S3StoreOptions } from './s3/options.ts'
export { s3Store } from './s3/s3.ts'
export type { BucketSettings, LifecycleRule } from './s3/settings.ts'
