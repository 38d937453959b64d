/**
 * The body of a request or a response. A source that is there already is handed on as it is; the stream is made only
 * when somebody asks for it.
 */
export interface Body {
  /** Text is well-formed. Null when `stream` is all there is. */
  source: Source | null
  stream: ReadableStream<Uint8Array> | null
  /** Whether the source was read without the stream. */
  isTaken: boolean
  /** Whether the source may be seen by others, so that bytes of it are handed out as copies. */
  isShared: boolean
}

export type Source = string | Uint8Array<ArrayBuffer> | Blob

export function bodyOver(source: Source): Body {
  return { source, stream: null, isTaken: false, isShared: false }
}

/** A body of bytes that come from `stream`. Throws TypeError when it was read from, or is being read. */
export function streamBody(stream: ReadableStream<Uint8Array>): Body {
  if (isDisturbed(stream) || stream.locked) {
    throw new TypeError('Response body object should not be disturbed or locked')
  }
  const source = sources.get(stream) ?? null
  return { source, stream, isTaken: false, isShared: true }
}

/** What streams that were made here will show, which need not be read to have it. */
const sources = new WeakMap<ReadableStream<Uint8Array>, Source>()

/** The stream of `body`, always the same. */
export function streamOf(body: Body): ReadableStream<Uint8Array> {
  if (body.stream) return body.stream
  body.stream = makeStream(body.source as Source)
  body.isShared = true
  if (body.isTaken) shut(body.stream)
  return body.stream
}

function makeStream(source: Source): ReadableStream<Uint8Array> {
  const stream =
    typeof source === 'object' && 'stream' in source
      ? (source.stream() as ReadableStream<Uint8Array>)
      : new ReadableStream({
          type: 'bytes',
          pull(controller) {
            const bytes = copyOf(source)
            if (bytes.length > 0) controller.enqueue(bytes)
            controller.close()
            controller.byobRequest?.respond(0)
          },
        })
  sources.set(stream, source)
  return stream
}

/** Leaves a stream as somebody leaves it who has read it to its end. */
function shut(stream: ReadableStream): void {
  stream
    .getReader()
    .cancel()
    .catch(() => {})
}

/** Node marks its streams so, of both kinds. */
const disturbed = Symbol.for('nodejs.stream.disturbed')

function isDisturbed(stream: ReadableStream): boolean {
  return (stream as unknown as Record<symbol, boolean>)[disturbed] === true
}

export function isUsed(body: Body | null): boolean {
  return body !== null && (body.isTaken || (body.stream !== null && isDisturbed(body.stream)))
}

/** Whether nothing can be read from `body` any more. */
export function isUnusable(body: Body | null): boolean {
  return body !== null && (isUsed(body) || body.stream?.locked === true)
}

/** Two bodies in place of one: this turns into the first, the second is returned. */
export function cloneBody(body: Body): Body {
  body.isShared = true
  // Whoever has the stream that is split here is to see that its halves are read; where nobody has it, they need not be.
  const isSeen = body.stream !== null
  const [first, second] = streamOf(body).tee()
  if (isSeen) body.source = null
  body.stream = first
  return { ...body, stream: second }
}

/** Hands the body on to somebody else; nobody can read it here any more. */
export function transferBody(body: Body): Body {
  if (body.source === null) return { ...body, stream: streamOf(body).pipeThrough(new TransformStream()) }
  const next = { ...body, stream: null }
  take(body)
  return next
}

/** Marks the source as read, in the stream too. */
function take(body: Body): void {
  body.isTaken = true
  if (body.stream) shut(body.stream)
}

/**
 * What `body` holds, to be had once: the source where there is one, otherwise the bytes of its stream.
 * @throws TypeError when it was had before, or is being read.
 */
function takeBody(body: Body | null): Source | Promise<Uint8Array<ArrayBuffer>> {
  if (body === null) return ''
  if (isUnusable(body)) throw new TypeError('Body is unusable: Body has already been read')
  if (body.source === null) return readStream(body.stream as ReadableStream<Uint8Array>)
  take(body)
  return body.source
}

async function readStream(stream: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader()
  const chunks: Uint8Array[] = []
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return concat(chunks)
    if (!(value instanceof Uint8Array)) throw new TypeError('Received non-Uint8Array chunk')
    chunks.push(value)
  }
}

function concat(chunks: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((total, { byteLength }) => total + byteLength, 0))
  let end = 0
  for (const chunk of chunks) {
    bytes.set(chunk, end)
    end += chunk.byteLength
  }
  return bytes
}

/** Bytes of their own, which nobody else has. */
export function copyOf(source: string | Uint8Array): Uint8Array<ArrayBuffer> {
  return typeof source === 'string' ? encoder.encode(source) : new Uint8Array(source)
}

const encoder = new TextEncoder()

/** Reads `body` to its end: as bytes in a buffer of their own. */
export async function readBytes(body: Body | null): Promise<Uint8Array<ArrayBuffer>> {
  const taken = await takeBody(body)
  if (typeof taken === 'string') return encoder.encode(taken)
  if ('stream' in taken) return new Uint8Array(await taken.arrayBuffer())
  const isOwn = !body?.isShared && taken.buffer.byteLength === taken.byteLength
  return isOwn ? new Uint8Array(taken.buffer) : new Uint8Array(taken)
}

/** The text that `body` was made of, read with that; null where it was made of something else. */
export function takeText(body: Body): string | null {
  return typeof body.source === 'string' ? (takeBody(body) as string) : null
}

/** Reads `body` to its end: as text, of UTF-8, without a byte order mark. */
export async function readText(body: Body | null): Promise<string> {
  let taken = await takeBody(body)
  if (typeof taken === 'object' && 'stream' in taken) taken = new Uint8Array(await taken.arrayBuffer())
  const text = typeof taken === 'string' ? taken : decode(taken)
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}

function decode({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('utf8')
}
