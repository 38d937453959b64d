import { Duplex } from 'node:stream'
import { InvalidResponseError } from '../../errors.ts'
import type { ResponseBody, ResponseParts } from '../../http/response.ts'
import { readHead } from './head.ts'

/**
 * What a listener has as its socket. The bytes that Node's `ServerResponse` writes end here, and are had again as the
 * parts of an answer; there is nothing to read.
 */
export class Wire extends Duplex {
  readonly remoteAddress: string | undefined
  readonly encrypted: boolean

  readonly #answer = Promise.withResolvers<ResponseParts>()
  #hasHead = false
  /** Written and not read yet. */
  #chunks: Buffer[] = []
  /** Whether everything is wanted at once, or one chunk when it is asked for. */
  #wantsAll = false
  /** Lets the listener write on. */
  #resumeWriting: (() => void) | null = null
  #isComplete = false
  #failure: { readonly error: unknown } | null = null
  #wakeReader = () => {}

  constructor(remoteAddress: string | undefined, encrypted: boolean) {
    // Node writes a head and the text of a body as one string, where the head has one character for each byte.
    super({ highWaterMark: 65_536, decodeStrings: false })
    this.remoteAddress = remoteAddress
    this.encrypted = encrypted
  }

  /** The answer, as soon as its head is written; rejects when there will be none. */
  get answer(): Promise<ResponseParts> {
    return this.#answer.promise
  }

  /** The answer is written to its end. */
  complete(): void {
    this.#isComplete = true
    this.#wakeReader()
  }

  /** The answer, or the rest of it, will not come. */
  fail(error: unknown): void {
    if (this.#isComplete || this.#failure) return
    this.#failure = { error }
    this.#answer.reject(error)
    this.#wakeReader()
    this.destroy()
  }

  override _read(): void {}

  override _write(chunk: string | Buffer, encoding: BufferEncoding, done: () => void): void {
    this.#take(chunk, encoding)
    if (this.#wantsAll || this.#chunks.length === 0) done()
    else this.#resumeWriting = done
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.fail(
      error ??
        new InvalidResponseError('The application closed the connection before its answer was complete.'),
    )
    done(null)
  }

  #take(chunk: string | Buffer, encoding: BufferEncoding): void {
    let data = chunk
    if (!this.#hasHead) {
      const head = readHead(String(chunk))
      if (!head) return
      this.#hasHead = true
      this.#answer.resolve({ status: head.status, headers: head.headers, body: this.#body() })
      data = head.rest
    }
    if (data.length === 0) return
    this.#chunks.push(typeof data === 'string' ? Buffer.from(data, encoding) : data)
    this.#wakeReader()
  }

  #body(): ResponseBody {
    return {
      bytes: async () => {
        this.#wantsAll = true
        this.#writeOn()
        while (!this.#isComplete) await this.#more()
        return Buffer.concat(this.#chunks)
      },
      chunks: () => this.#read(),
      cancel: async () => {
        if (!this.#isComplete) this.destroy()
      },
    }
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk) yield chunk
      else if (this.#isComplete) return
      else await this.#more()
    }
  }

  async #more(): Promise<void> {
    if (!this.#failure) {
      const woken = new Promise<void>((resolve) => {
        this.#wakeReader = resolve
      })
      this.#writeOn()
      await woken
    }
    if (this.#failure) throw this.#failure.error
  }

  #writeOn(): void {
    const done = this.#resumeWriting
    this.#resumeWriting = null
    done?.()
  }

  // What else is called on a socket, and means nothing without a connection.
  setTimeout(): this {
    return this
  }
  setNoDelay(): this {
    return this
  }
  setKeepAlive(): this {
    return this
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }
}
