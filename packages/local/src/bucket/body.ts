import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { readChunks } from './chunked.ts'
import { S3Error } from './errors.ts'
import { header, type S3Request } from './request.ts'
import type { Storage } from './storage.ts'

/** S3's limit for one put. */
const bodyLimit = 5 * 1024 ** 3

/** Bytes of a request that says what to do in XML. */
const documentLimit = 2 * 1024 * 1024

/** What was received into a file. */
export interface Received {
  readonly file: string
  readonly size: number
  /** Hexadecimal. */
  readonly md5: string
  /** The checksum that came along, as a header. */
  readonly checksum: Readonly<Record<string, string>>
}

/**
 * Receives the body of a request into a new file, and checks it against every length, digest and checksum that
 * came with it. Throws `S3Error`; there is no file then. CRC32C and CRC64NVME are believed.
 */
export async function receive(request: S3Request, storage: Storage): Promise<Received> {
  const expected = expectedLength(request)
  const md5 = createHash('md5')
  const sha256 = createHash('sha256')
  const signedHash = header(request, 'x-amz-content-sha256') ?? ''
  const isSigned = /^[0-9a-f]{64}$/.test(signedHash)
  let trailers: ReadonlyMap<string, string> = new Map()
  const checksumName = nameOfChecksum(request)
  const checksum = checksumOf(checksumName)
  let size = 0

  async function* checked(): AsyncGenerator<Uint8Array> {
    const pieces = readBody(request, (found) => {
      trailers = found
    })
    for await (const piece of pieces) {
      size += piece.length
      if (size > bodyLimit)
        throw new S3Error(
          400,
          'EntityTooLarge',
          'Your proposed upload exceeds the maximum allowed object size.',
        )
      md5.update(piece)
      if (isSigned) sha256.update(piece)
      checksum?.update(piece)
      yield piece
    }
    if (size !== expected)
      throw new S3Error(400, 'IncompleteBody', `${expected} bytes were announced, and ${size} came`)
    if (isSigned && sha256.digest('hex') !== signedHash)
      throw new S3Error(400, 'XAmzContentSHA256Mismatch', 'The body is not the one that was signed')
  }

  const file = await storage.write(checked())
  try {
    const digest = md5.digest()
    const wanted = header(request, 'content-md5')
    if (wanted !== null && wanted !== digest.toString('base64'))
      throw new S3Error(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.')
    const sent =
      checksumName === null ? null : (header(request, checksumName) ?? trailers.get(checksumName) ?? null)
    if (sent !== null && checksum !== null && checksum.digest() !== sent)
      throw new S3Error(400, 'BadDigest', `The ${checksumName} you specified did not match what we received.`)
    const kept = sent === null || checksumName === null ? {} : { [checksumName]: sent }
    return { file, size, md5: digest.toString('hex'), checksum: kept }
  } catch (error) {
    await storage.discard([file])
    throw error
  }
}

/** The body of a request as text. Throws `S3Error`. */
export async function readDocument(request: S3Request): Promise<string> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of readBody(request, () => {})) {
    size += piece.length
    if (size > documentLimit) throw new S3Error(400, 'MaxMessageLengthExceeded', 'Your request was too big.')
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

function readBody(
  request: S3Request,
  onTrailers: (trailers: ReadonlyMap<string, string>) => void,
): AsyncIterable<Uint8Array> {
  const wire = request.incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>
  return isChunked(request) ? readChunks(wire, onTrailers) : wire
}

function isChunked(request: S3Request): boolean {
  return (
    (header(request, 'x-amz-content-sha256') ?? '').startsWith('STREAMING-') ||
    /(^|,)\s*aws-chunked\s*(,|$)/.test(header(request, 'content-encoding') ?? '')
  )
}

function expectedLength(request: S3Request): number {
  const name = isChunked(request) ? 'x-amz-decoded-content-length' : 'content-length'
  const text = header(request, name)
  if (text !== null && /^\d{1,15}$/.test(text)) return Number(text)
  throw new S3Error(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.')
}

const checksumNames = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256'].map(
  (name) => `x-amz-checksum-${name}`,
)

function nameOfChecksum(request: S3Request): string | null {
  const announced = (header(request, 'x-amz-trailer') ?? '').trim().toLowerCase()
  return checksumNames.find((name) => name === announced || header(request, name) !== null) ?? null
}

interface Checksum {
  update(bytes: Uint8Array): void
  /** Base64. */
  digest(): string
}

function checksumOf(name: string | null): Checksum | null {
  if (name === 'x-amz-checksum-crc32') {
    let value = 0
    return {
      update(bytes) {
        value = crc32(bytes, value)
      },
      digest() {
        const bytes = Buffer.alloc(4)
        bytes.writeUInt32BE(value)
        return bytes.toString('base64')
      },
    }
  }
  const [, algorithm] = /^x-amz-checksum-(sha1|sha256)$/.exec(name ?? '') ?? []
  if (algorithm === undefined) return null
  const hash = createHash(algorithm)
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('base64') }
}
