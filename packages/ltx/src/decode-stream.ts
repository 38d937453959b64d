import { ChunkQueue } from './chunk-queue.ts'
import { NOTHING, trailing, truncated } from './decode.ts'
import { LtxError } from './errors.ts'
import type { LtxHeader } from './header.ts'
import type { LtxPage } from './page-rules.ts'
import { type ParserStep, parseLtx } from './parse.ts'

/**
 * Decodes one LTX file while it arrives. Memory is bounded by a page, a chunk of the source and about eight
 * bytes a page.
 *
 * **Pages come before the checksum over them is known**: what was made of them counts only when `pages()` has
 * ended without throwing, after which `checksum` is there.
 */
export class LtxDecoder {
  readonly header: LtxHeader
  readonly #input: Input
  #checksum: bigint | null = null
  #started = false

  /** Use `LtxDecoder.open`. */
  private constructor(header: LtxHeader, input: Input) {
    this.header = header
    this.#input = input
  }

  /**
   * Reads and checks the header. Ends the source when that fails. Throws `LtxError` as `readLtxHeader` does, and
   * whatever the source throws.
   */
  static async open(source: AsyncIterable<Uint8Array>): Promise<LtxDecoder> {
    const input = new Input(source)
    try {
      const header = await input.next(null)
      if (header === null || 'data' in header) throw new Error('the parser did not begin with the header')
      return new LtxDecoder(header, input)
    } catch (error) {
      await input.close()
      throw error
    }
  }

  /**
   * The pages, in the order of the file; can be asked for once. **What a page holds is valid until the next one is
   * asked for**: they share one piece of memory. Verifies everything that `decodeLtx` verifies and ends the source,
   * also when left early.
   */
  async *pages(): AsyncGenerator<LtxPage, void, void> {
    if (this.#started)
      throw new LtxError('LTX_INPUT', 'pages() reads the source and can be called only once', null)
    this.#started = true
    try {
      for (;;) {
        const item = await this.#input.next(this.header)
        if (item === null) break
        if ('data' in item) yield item
      }
      this.#checksum = this.#input.checksum
    } finally {
      await this.#input.close()
    }
  }

  /** The file checksum. Throws before `pages()` has ended: until then the file may be anything. */
  get checksum(): bigint {
    if (this.#checksum === null) {
      throw new LtxError('LTX_INPUT', 'The checksum is verified at the end: read all of pages() first', null)
    }
    return this.#checksum
  }

  /** Ends the source; not needed after `pages()`. */
  async close(): Promise<void> {
    await this.#input.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** Feeds the parser from a source. */
class Input {
  readonly #source: AsyncIterator<Uint8Array>
  readonly #queue = new ChunkQueue()
  readonly #parser = parseLtx('lent')
  #step: IteratorResult<ParserStep, { readonly checksum: bigint }>
  #received = 0
  #ended = false
  checksum: bigint | null = null

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
    this.#step = this.#parser.next()
  }

  /** The header or the next page; null when the file is complete, verified, and nothing follows. */
  async next(header: LtxHeader | null): Promise<LtxHeader | LtxPage | null> {
    while (!this.#step.done) {
      const { value } = this.#step
      if (typeof value !== 'number') {
        this.#step = this.#parser.next(NOTHING)
        return value
      }
      const piece = this.#queue.take(value)
      if (piece !== null) this.#step = this.#parser.next(piece)
      else if (!(await this.#receive())) throw truncated(this.#received, header)
    }
    while (this.#queue.length === 0) {
      if (!(await this.#receive())) {
        this.checksum = this.#step.value.checksum
        return null
      }
    }
    throw trailing(this.#received - this.#queue.length)
  }

  async #receive(): Promise<boolean> {
    const { done, value } = await this.#source.next()
    if (done) {
      this.#ended = true
      return false
    }
    this.#received += value.length
    this.#queue.push(value)
    return true
  }

  async close(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await this.#source.return?.()
  }
}
