export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

export interface S3StoreOptions {
  readonly bucket: string
  /** Scopes the store: names are relative to it. */
  readonly prefix?: string | undefined
  readonly region: string
  /** `http://host:port` or `https://host`; Amazon's own for the region when absent. */
  readonly endpoint?: string | undefined
  /** A function is asked before every request, so that credentials can be renewed. */
  readonly credentials: S3Credentials | (() => S3Credentials | Promise<S3Credentials>)
  /**
   * `host/bucket/key` rather than `bucket.host/key`. By default for a bucket with dots, and for an endpoint
   * that is an IP address or `localhost`.
   */
  readonly pathStyle?: boolean | undefined
  /** How long a connection, TLS included, may take to come about. Default 3,000. */
  readonly connectTimeoutMs?: number | undefined
  /** How long a connection may stand still while an answer is outstanding. Default 10,000. */
  readonly idleTimeoutMs?: number | undefined
  /** How often get, head, list and delete are tried. Default 4. A put is tried once. */
  readonly attempts?: number | undefined
  /** The clock that requests are signed with, in ms since the epoch. No answer ever corrects it. */
  readonly now?: (() => number) | undefined
  /** Waits between attempts; rejects when the signal fires. */
  readonly sleep?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined
  /** In [0, 1); spreads the attempts of many clients. */
  readonly random?: (() => number) | undefined
}
