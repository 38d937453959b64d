import { type ObjectStore, StoreError } from '@thaw/store'
import type { LtxFile } from './files.ts'

const MEBIBYTE = 1024 * 1024
const REQUESTS_AT_ONCE = 24
/**
 * Enough to fill a line of 75 MB/s whose answers begin after 80 ms, and no more: requests share the line, and the more
 * of them there are, the later the first one is complete and can be worked on.
 */
const BYTES_UNDER_WAY = 6 * MEBIBYTE
/** The file of a transaction is hardly ever larger. */
const SMALL_BYTES = 64 * 1024
const SMALL_AHEAD_BYTES = 2 * MEBIBYTE
/** What is read slower than it arrives need not wait in memory. */
const DEFAULT_LIMITS: DownloadLimits = { pieceBytes: MEBIBYTE, aheadBytes: 16 * MEBIBYTE }

export interface DownloadLimits {
  /** Size of the ranges that a large file is asked for in. */
  readonly pieceBytes: number
  /** How much may have arrived, or be on its way, and not be read yet. One piece always may. */
  readonly aheadBytes: number
}

/** An object that was listed is gone, or another one has its name: retention went by. List again. */
export class FileVanishedError extends Error {
  readonly file: LtxFile

  constructor(file: LtxFile) {
    super(`${file.key} was listed and is gone`)
    this.file = file
  }
}

/** The bytes of one file, in pieces. */
export interface Download {
  readonly file: LtxFile
  readonly pieces: AsyncIterable<Uint8Array>
}

interface Piece {
  readonly file: LtxFile
  readonly start: number
  readonly end: number
}

/**
 * Downloads files in their order, many requests ahead of the reader, large ones in ranges pinned to the version
 * that was listed. Memory is bounded by the limits, whatever the sizes.
 *
 * A hundred small files take their time without filling the line. They and the large ones do not wait for each other.
 *
 * The pieces of a file must be read before the next file is asked for.
 * @throws FileVanishedError, StoreError
 */
export async function* download(
  store: ObjectStore,
  files: readonly LtxFile[],
  { pieceBytes, aheadBytes }: DownloadLimits = DEFAULT_LIMITS,
): AsyncGenerator<Download> {
  const parts = files.map((file) => ({
    file,
    small: file.size <= SMALL_BYTES,
    pieces: split(file, pieceBytes),
  }))
  const piecesOf = (wanted: boolean) => parts.flatMap(({ small, pieces }) => (small === wanted ? pieces : []))
  const small = fetchAhead(store, piecesOf(true), Math.min(aheadBytes, SMALL_AHEAD_BYTES))
  const large = fetchAhead(store, piecesOf(false), aheadBytes)
  async function* read(count: number, lane: Lane): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < count; i++) yield lane.next()
  }
  try {
    for (const part of parts) {
      yield { file: part.file, pieces: read(part.pieces.length, part.small ? small : large) }
    }
  } finally {
    small.stop()
    large.stop()
  }
}

interface Lane {
  /** The next piece. */
  next(): Promise<Uint8Array>
  /** Asks for nothing more. */
  stop(): void
}

/** Fetches pieces in their order, as far ahead of the reader as the limits allow. */
function fetchAhead(store: ObjectStore, pieces: readonly Piece[], aheadBytes: number): Lane {
  const ahead: { readonly size: number; readonly bytes: Promise<Uint8Array> }[] = []
  let next = 0
  let bytesAhead = 0
  let requests = 0
  let bytesUnderWay = 0
  let stopped = false

  const fill = () => {
    for (let piece = pieces[next]; piece && !stopped; piece = pieces[++next]) {
      const size = piece.end - piece.start
      const full =
        requests >= REQUESTS_AT_ONCE ||
        bytesUnderWay + size > BYTES_UNDER_WAY ||
        bytesAhead + size > aheadBytes
      if (full && ahead.length > 0) return
      requests++
      bytesUnderWay += size
      bytesAhead += size
      const bytes = fetchPiece(store, piece).finally(() => {
        requests--
        bytesUnderWay -= size
        fill()
      })
      bytes.catch(() => undefined) // it is awaited below, unless an earlier one fails first
      ahead.push({ size, bytes })
    }
  }
  fill()

  return {
    async next() {
      const first = ahead.shift()
      if (!first) throw new Error('more pieces were read than there are')
      const bytes = await first.bytes
      bytesAhead -= first.size
      fill()
      return bytes
    },
    stop() {
      stopped = true
    },
  }
}

function split(file: LtxFile, pieceBytes: number): Piece[] {
  const pieces: Piece[] = []
  for (let start = 0; start === 0 || start < file.size; start += pieceBytes) {
    pieces.push({ file, start, end: Math.min(start + pieceBytes, file.size) })
  }
  return pieces
}

async function fetchPiece(store: ObjectStore, { file, start, end }: Piece): Promise<Uint8Array> {
  const whole = start === 0 && end === file.size
  try {
    const options = whole ? { ifMatch: file.etag } : { ifMatch: file.etag, range: { start, end } }
    const object = await store.get(file.key, options)
    if (object) return object.body
  } catch (error) {
    if (!(error instanceof StoreError && error.code === 'STORE_CHANGED')) throw error
  }
  throw new FileVanishedError(file)
}
