/** A request as the client sent it, before any class of a framework or of the runtime has seen it. */
export interface RequestParts {
  readonly method: string
  /** Scheme, host and port, as `URL` writes an origin. */
  readonly origin: string
  /** Path and query, ASCII, beginning with `/`. */
  readonly target: string
  /** Names in lower case; a repeated header is joined. One character of a value stands for one byte. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Uint8Array<ArrayBuffer> | null
}
