import { type Body, bodyOver, streamBody } from './body.ts'
import { encodeForm } from './form.ts'
import { tagOf } from './webidl.ts'

interface Extracted {
  readonly body: Body
  /** The content type that goes with it; null for none. */
  readonly type: string | null
}

/**
 * Makes a body of what a caller gave. Classes are known by their tags, not by globals: what is asked for by its global
 * would be loaded. https://fetch.spec.whatwg.org/#concept-bodyinit-extract
 */
export function extractBody(given: unknown): Extracted {
  if (typeof given === 'string') return text(given, 'text/plain;charset=UTF-8')
  if (typeof given !== 'object' || given === null) return text(`${given}`, 'text/plain;charset=UTF-8')
  // Bytes are copied: the caller may change them afterwards.
  if (ArrayBuffer.isView(given)) {
    const { buffer, byteOffset, byteLength } = given
    return plain(bodyOver(new Uint8Array(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer)))
  }
  switch (tagOf(given)) {
    case 'ReadableStream':
      return plain(streamBody(given as ReadableStream<Uint8Array>))
    case 'URLSearchParams':
      return text(String(given), 'application/x-www-form-urlencoded;charset=UTF-8')
    case 'ArrayBuffer':
      return plain(bodyOver(new Uint8Array((given as ArrayBuffer).slice(0))))
    case 'Blob':
    case 'File':
      return { body: bodyOver(given as Blob), type: (given as Blob).type || null }
    case 'FormData': {
      const { blob, type } = encodeForm(given as FormData)
      return { body: bodyOver(blob), type }
    }
  }
  if (Symbol.asyncIterator in given) return plain(streamBody(streamFrom(given as AsyncIterable<unknown>)))
  return text(`${given}`, 'text/plain;charset=UTF-8')
}

function text(given: string, type: string): Extracted {
  return { body: bodyOver(given.toWellFormed()), type }
}

function plain(body: Body): Extracted {
  return { body, type: null }
}

/** Node takes what can be iterated over as a body, too, its own streams above all. */
function streamFrom(given: AsyncIterable<unknown>): ReadableStream<Uint8Array> {
  const iterator = given[Symbol.asyncIterator]()
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      // Nobody asks again after a turn that gave nothing, so that empty chunks are passed over here.
      for (;;) {
        const { done, value } = await iterator.next()
        if (done) {
          controller.close()
          controller.byobRequest?.respond(0)
          return
        }
        const bytes = new Uint8Array(Buffer.from(value as string))
        if (bytes.length > 0) return controller.enqueue(bytes)
      }
    },
    async cancel() {
      await iterator.return?.()
    },
  })
}
