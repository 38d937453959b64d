import type { ResponseBody } from '../../http/response.ts'

/** Whoever writes a body. */
export interface Source {
  /** All there is has been taken, and more is wanted. */
  writeOn(): unknown
  /** Nobody takes the rest. */
  destroy(): unknown
}

/** The body of an answer, between a listener that writes it and a front that takes it. */
export class Outlet implements ResponseBody {
  readonly #source: Source
  /** Text is UTF-8 here. */
  #chunks: (string | Uint8Array)[] = []
  #isComplete = false
  #failure: { readonly error: unknown } | null = null
  #wakeReader: (() => void) | null = null

  constructor(source: Source) {
    this.#source = source
  }

  get isComplete(): boolean {
    return this.#isComplete
  }

  put(chunk: string | Uint8Array): void {
    this.#chunks.push(chunk)
    this.#wakeReader?.()
  }

  /** There is no more. */
  complete(): void {
    if (this.#failure) return
    this.#isComplete = true
    this.#wakeReader?.()
  }

  /** The rest will not come. False where that or the end is known already. */
  fail(error: unknown): boolean {
    if (this.#isComplete || this.#failure) return false
    this.#failure = { error }
    this.#wakeReader?.()
    return true
  }

  text(): string | null {
    return this.#isComplete && this.#chunks.every(isText) ? this.#chunks.join('') : null
  }

  async bytes(): Promise<Uint8Array> {
    while (!this.#isComplete) await this.#more()
    const chunks = this.#chunks.map(bytesOf)
    return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) yield bytesOf(chunk)
      else if (this.#isComplete) return
      else await this.#more()
    }
  }

  cancel(): void {
    if (!this.#isComplete) this.#source.destroy()
  }

  async #more(): Promise<void> {
    if (!this.#failure) {
      const woken = new Promise<void>((resolve) => {
        this.#wakeReader = resolve
      })
      this.#source.writeOn()
      await woken
    }
    if (this.#failure) throw this.#failure.error
  }
}

function isText(chunk: string | Uint8Array): boolean {
  return typeof chunk === 'string' && chunk.isWellFormed()
}

function bytesOf(chunk: string | Uint8Array): Uint8Array {
  return typeof chunk === 'string' ? Buffer.from(chunk) : chunk
}
