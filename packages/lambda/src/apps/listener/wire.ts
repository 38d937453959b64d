import type { ServerResponse } from 'node:http'
import { Stream } from 'node:stream'
import { InvalidResponseError } from '../../errors.ts'
import type { ResponseParts } from '../../http/response.ts'
import { readHead } from './head.ts'
import { Outlet } from './outlet.ts'

/** Bytes that may wait to be taken before a listener is asked to stop writing. */
const roomBytes = 65_536

type Written = ((error?: Error) => void) | null | undefined

/**
 * What a listener has as its socket. What Node's `ServerResponse` writes ends here, and is had again as the parts of an
 * answer; there is nothing to read. No `Duplex`, whose two states and their turns were a third of what a call cost.
 */
export class Wire extends Stream {
  readonly remoteAddress: string | undefined
  readonly encrypted: boolean
  readonly readable = true
  writable = true
  destroyed = false
  closed = false
  errored: Error | null = null
  readonly readableHighWaterMark = roomBytes
  readonly writableHighWaterMark = roomBytes
  /** Of what waits to be taken. */
  writableLength = 0
  /** Never 0: nothing is gained by holding chunks back until a turn of the event loop brings them together. */
  readonly writableCorked = 1
  /** Node's `ServerResponse` writes into this. */
  readonly _writableState = { corked: 1 }
  /** The response that writes here, which Node's `ServerResponse` sets. */
  declare readonly _httpMessage: ServerResponse | null

  readonly #body: Outlet = new Outlet(this)
  /** What will be the answer, once the head is written. */
  #parts: ResponseParts | null = null
  /** Of what was written and has no room yet. */
  #callbacks: Written[] = []
  #needsDrain = false
  #isTurning = false
  readonly #answer = Promise.withResolvers<ResponseParts>()

  constructor(remoteAddress: string | undefined, encrypted: boolean) {
    super()
    this.remoteAddress = remoteAddress
    this.encrypted = encrypted
  }

  /** The answer, soon after its head is written; rejects when there will be none. */
  get answer(): Promise<ResponseParts> {
    return this.#answer.promise
  }

  get isComplete(): boolean {
    return this.#body.isComplete
  }

  /** The answer is written to its end. */
  complete(): void {
    this.#body.complete()
  }

  /** The answer, or the rest of it, will not come. */
  fail(error: unknown): void {
    if (!this.#body.fail(error)) return
    this.#answer.reject(error)
    this.destroy()
  }

  write(data: string | Uint8Array, encoding?: BufferEncoding | Written, written?: Written): boolean {
    if (typeof encoding === 'function') return this.write(data, null, encoding)
    if (this.destroyed) {
      if (written) process.nextTick(written, closedEarly())
      return false
    }
    this.#take(data, encoding ?? 'utf8')
    this.#callbacks.push(written)
    this.#turnSoon()
    const hasRoom = this.writableLength < roomBytes
    if (!hasRoom) this.#needsDrain = true
    return hasRoom
  }

  // Node writes a head and the text of a body as one string, where the head has one character for each byte.
  #take(data: string | Uint8Array, encoding: BufferEncoding): void {
    let rest = data
    if (!this.#parts) {
      const head = readHead(String(data))
      if (!head) return
      this.#parts = { status: head.status, headers: head.headers, body: this.#body }
      rest = head.rest
    }
    if (rest.length === 0) return
    // Bytes are copied: their memory is the listener's again when it hears that they are written.
    const chunk =
      typeof rest !== 'string' ? Buffer.from(rest) : encoding === 'utf8' ? rest : Buffer.from(rest, encoding)
    this.writableLength += chunk.length
    this.#body.put(chunk)
  }

  /** Everything has been taken, and more is wanted. */
  writeOn(): void {
    this.writableLength = 0
    this.#turnSoon()
  }

  #turnSoon(): void {
    if (this.#isTurning) return
    this.#isTurning = true
    process.nextTick(Wire.#turn, this)
  }

  /** Says what is written, as far as there is room, and only then gives the answer: it may have ended by that. */
  static #turn(wire: Wire): void {
    wire.#isTurning = false
    try {
      if (wire.writableLength < roomBytes) wire.#acknowledge()
    } finally {
      if (wire.#parts) wire.#answer.resolve(wire.#parts)
    }
  }

  #acknowledge(): void {
    const callbacks = this.#callbacks
    this.#callbacks = []
    for (const written of callbacks) written?.()
    if (!this.#needsDrain) return
    this.#needsDrain = false
    this.emit('drain')
  }

  end(data?: string | Uint8Array, encoding?: BufferEncoding): this {
    if (data) this.write(data, encoding)
    return this.destroy()
  }

  destroy(error?: Error): this {
    if (this.destroyed) return this
    this.destroyed = true
    this.writable = false
    this.errored = error ?? null
    // What was ended before the connection was is whole.
    if (this._httpMessage?.writableEnded) this.complete()
    else this.fail(error ?? closedEarly())
    process.nextTick(Wire.#close, this)
    return this
  }

  static #close(wire: Wire): void {
    for (const written of wire.#callbacks) written?.(closedEarly())
    // As Node's server does with a request that is not answered yet, before the response hears of it.
    wire._httpMessage?.req.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }))
    wire.closed = true
    wire.emit('close')
  }

  // What else is called on a socket, and means nothing without a connection.
  cork(): void {}
  uncork(): void {}
  pause(): this {
    return this
  }
  resume(): this {
    return this
  }
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

function closedEarly(): Error {
  return new InvalidResponseError('The application closed the connection before its answer was complete.')
}
