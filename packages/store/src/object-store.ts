/** What a store tells about an object without its bytes. */
export interface ObjectInfo {
  readonly key: string
  /** Length in bytes. */
  readonly size: number
  /** Opaque; changes whenever the bytes under the key change. */
  readonly etag: string
  /** When the store accepted the object, by the store's clock, in ms since the epoch. */
  readonly modifiedAt: number
}

/** An object, or the asked range of it. */
export interface StoredObject extends ObjectInfo {
  /** The whole object, or the bytes of the asked range. `size` stays the length of the whole object. */
  readonly body: Uint8Array
}

/** A byte range: `end` is exclusive and clipped to the object. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

export interface GetOptions {
  readonly range?: ByteRange
  /** Throws a `StoreError` with code `STORE_CHANGED` when the object no longer has this etag. */
  readonly ifMatch?: string
  readonly signal?: AbortSignal
}

export interface PutOptions {
  /** Create only: when an object of that name exists, nothing is written and the result is `exists`. */
  readonly ifAbsent?: boolean
  /** Replace only the version that has this etag; otherwise nothing is written and the result is `changed`. */
  readonly ifMatch?: string
  /**
   * The moment that the bytes stand for, in ms since the epoch. S3 keeps it as the metadata
   * `litestream-timestamp`, a folder as the file's modification time.
   */
  readonly timestamp?: number
  /**
   * The instant that the request is signed with, in ms since the epoch; now when absent. S3 refuses a
   * request signed more than 15 minutes from its own clock.
   *
   * A function is asked right before each request that can bring the object about, so after all of a large
   * body is uploaded. What it throws ends the put, and nothing is written.
   */
  readonly signedAt?: number | (() => number | Promise<number>)
  readonly signal?: AbortSignal
}

/** Bytes to be put: whole, in pieces that follow each other, or as a stream of such pieces. */
export type PutBody = Uint8Array | readonly Uint8Array[] | AsyncIterable<Uint8Array>

export type PutResult =
  | { readonly outcome: 'stored'; readonly etag: string }
  /** The name is taken (`ifAbsent`). */
  | { readonly outcome: 'exists' }
  /** The object has another etag, or is gone (`ifMatch`). */
  | { readonly outcome: 'changed' }
  /** Two conditional requests met in the same instant (S3's 409): nothing was written, ask again. */
  | { readonly outcome: 'busy' }

export interface ListOptions {
  /** Only names greater than this one. */
  readonly startAfter?: string
  readonly signal?: AbortSignal
}

/**
 * A flat name space of immutable byte strings with a conditional put.
 *
 * Promises of every implementation, held by one contract suite:
 * - A put is atomic: a reader sees the whole object or none of it, also after a crash.
 * - A put with `ifAbsent` succeeds for exactly one of any number of concurrent callers.
 * - After a put has resolved, every get, head and list sees it (strong consistency).
 * - `get` and `head` give null for an absent object and throw for everything else; a refusal (403) is
 *   never taken for absence.
 * - `get`, `head`, `list` and `delete` may try again inside. **`put` is one attempt**: when its outcome
 *   cannot be known it throws a `StoreError` whose `unknown` is true. Of a large object that goes up in
 *   parts, the parts are tried again; joining them is what this is about, and does it once at most.
 * - A put of a stream takes bounded memory, however long the stream (but in the memory store). The stream is
 *   read once, or not at all where the outcome is clear without; its pieces must not change afterwards. What
 *   it throws, the put throws, and nothing is written.
 * - Names are non-empty strings of `/`-separated segments without `.` and `..`.
 */
export interface ObjectStore {
  /** Names the store in messages: `s3://bucket`, `file:///folder`, `memory:`. */
  readonly description: string
  get(key: string, options?: GetOptions): Promise<StoredObject | null>
  head(key: string, options?: { readonly signal?: AbortSignal }): Promise<ObjectInfo | null>
  put(key: string, body: PutBody, options?: PutOptions): Promise<PutResult>
  /** Names that begin with `prefix`, ascending by UTF-8 bytes. */
  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo>
  /** Deleting what is not there is no error. */
  delete(keys: readonly string[]): Promise<void>
  /** Closes idle connections. */
  close(): Promise<void>
}
