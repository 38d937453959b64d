import { compareKeys } from '@thaw/store'

/** What is used here of the class that fauxqs keeps objects in. */
interface Objects {
  readonly buckets: Map<string, Map<string, StoredObject>>
  /** Those that are neither completed nor aborted, by their ids. */
  readonly multipartUploads: Map<string, { readonly bucket: string; readonly key: string }>
  createBucket(name: string): void
  listObjects(bucket: string, options?: ListOptions): Listing
}

interface StoredObject {
  readonly key: string
  readonly etag: string
}

interface ListOptions {
  readonly prefix?: string
  readonly delimiter?: string
  readonly maxKeys?: number
  readonly startAfter?: string
  readonly marker?: string
}

interface Listing {
  readonly objects: StoredObject[]
  readonly commonPrefixes: string[]
  readonly isTruncated: boolean
}

export interface BucketStore extends Objects {
  etagOf(bucket: string, key: string): string | undefined
}

/**
 * The object store of fauxqs, listing in the order of UTF-8 bytes as S3 does. Its own order follows a
 * language's rules, while its pages are cut by code units: names get lost between pages.
 */
export async function bucketStore(): Promise<BucketStore> {
  // The package does not export the class.
  const { S3Store } = (await import(new URL('./s3/s3Store.js', import.meta.resolve('fauxqs')).href)) as {
    S3Store: new () => Objects
  }

  class OrderedStore extends S3Store implements BucketStore {
    override listObjects(bucket: string, options: ListOptions = {}): Listing {
      const objects = this.buckets.get(bucket)
      const { prefix = '', startAfter = options.marker ?? '', maxKeys = 1000 } = options
      if (!objects || options.delimiter) return super.listObjects(bucket, options)
      const found = [...objects.values()]
        .filter(({ key }) => key.startsWith(prefix) && compareKeys(key, startAfter) > 0)
        .sort((a, b) => compareKeys(a.key, b.key))
      return {
        objects: found.slice(0, maxKeys),
        commonPrefixes: [],
        isTruncated: found.length > maxKeys,
      }
    }

    etagOf(bucket: string, key: string): string | undefined {
      return this.buckets.get(bucket)?.get(key)?.etag
    }
  }
  return new OrderedStore()
}
