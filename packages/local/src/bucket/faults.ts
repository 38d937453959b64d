/** What a fault is decided by. */
export interface BucketRequest {
  readonly method: string
  readonly bucket: string | null
  readonly key: string | null
  /** Who signed it, or says so; null without a signature. */
  readonly accessKeyId: string | null
}

/** What befalls a request, of a bucket that is slow or fails. */
export interface BucketFault {
  /** How long the request waits before anything else, in ms. */
  readonly delayMs?: number
  /**
   * `unavailable`: nothing is done, and the answer is 503 `SlowDown`. `reset`: nothing is done, and the connection
   * breaks. `lost-answer`: it is done, and the connection breaks.
   */
  readonly fate?: 'unavailable' | 'reset' | 'lost-answer'
}

export type BucketFaults = (request: BucketRequest) => BucketFault | null
