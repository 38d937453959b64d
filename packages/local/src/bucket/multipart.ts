import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readDocument, receive } from './body.ts'
import type { PartRow, UploadRow } from './catalogue.ts'
import { checkWrite, conditionsOf } from './conditions.ts'
import { invalidArgument, malformedXml, S3Error } from './errors.ts'
import { metadataOf } from './metadata.ts'
import { copied, type ObjectRequest, openSource, place, xmlAnswer } from './objects.ts'
import { readRange } from './range.ts'
import { header, type S3Answer, type S3Request } from './request.ts'
import type { Storage } from './storage.ts'
import { elements, textOf } from './xml.ts'

/** Every part but the last has at least so many bytes. */
const leastPartBytes = 5 * 1024 * 1024

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html */
export function createUpload(request: ObjectRequest, storage: Storage, nowMs: number): S3Answer {
  const { bucket, key } = request
  const id = randomBytes(24).toString('base64url')
  storage.catalogue.addBucket(bucket, nowMs)
  storage.catalogue.addUpload({ id, bucket, key, headers: metadataOf(request), startedAt: nowMs })
  return xmlAnswer('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: id })
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html */
export async function uploadPart(request: ObjectRequest, storage: Storage, nowMs: number): Promise<S3Answer> {
  const upload = uploadOf(request, storage)
  const number = partNumber(request)
  const { file, size, md5, checksum } = await receive(request, storage)
  await placePart(upload, storage, { number, file, size, etag: md5, modifiedAt: nowMs })
  return { status: 200, headers: { etag: `"${md5}"`, ...checksum } }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html */
export async function copyPart(request: ObjectRequest, storage: Storage, nowMs: number): Promise<S3Answer> {
  const upload = uploadOf(request, storage)
  const number = partNumber(request)
  const source = await openSource(request, storage)
  await using opened = source.file
  const { size } = source.object
  const { first, last } = readRange(header(request, 'x-amz-copy-source-range'), size) ?? {
    first: 0,
    last: size - 1,
  }
  const md5 = createHash('md5')
  async function* bytes() {
    if (last < first) return
    for await (const piece of opened.createReadStream({ start: first, end: last, autoClose: false })) {
      md5.update(piece)
      yield piece
    }
  }
  const file = await storage.write(bytes())
  const etag = md5.digest('hex')
  await placePart(upload, storage, { number, file, size: last - first + 1, etag, modifiedAt: nowMs })
  return xmlAnswer('CopyPartResult', copied(etag, nowMs))
}

async function placePart(upload: UploadRow, storage: Storage, part: PartRow): Promise<void> {
  const { catalogue } = storage
  let unneeded: string | undefined = part.file
  try {
    unneeded = catalogue.transaction(() => {
      // It may have been completed or given up while the bytes came.
      if (catalogue.upload(upload.id) === null) throw noSuchUpload()
      const before = catalogue.parts(upload.id).find(({ number }) => number === part.number)
      catalogue.addPart(upload.id, part)
      return before?.file
    })
  } finally {
    await storage.discard([unneeded])
  }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html */
export async function completeUpload(
  request: ObjectRequest,
  storage: Storage,
  nowMs: number,
): Promise<S3Answer> {
  const { catalogue } = storage
  const { bucket, key } = request
  const upload = uploadOf(request, storage)
  const stored = catalogue.parts(upload.id)
  const parts = chosenParts(await readDocument(request), stored)
  // Said before anything is joined; what counts is said again when the object is put in its place.
  checkWrite(conditionsOf(request), catalogue.find(bucket, key)?.etag ?? null)
  const file = await storage.write(joined(parts, storage))
  const digests = Buffer.from(parts.map(({ etag }) => etag).join(''), 'hex')
  const etag = `${createHash('md5').update(digests).digest('hex')}-${parts.length}`
  const size = parts.reduce((sum, part) => sum + part.size, 0)
  await place(request, storage, { bucket, key, file, size, etag, modifiedAt: nowMs, headers: upload.headers })
  await forget(upload, storage)
  const Location = `http://${header(request, 'host')}/${bucket}/${key}`
  return xmlAnswer('CompleteMultipartUploadResult', { Location, Bucket: bucket, Key: key, ETag: `"${etag}"` })
}

async function* joined(parts: readonly PartRow[], storage: Storage): AsyncGenerator<Uint8Array> {
  try {
    for (const { file } of parts) yield* createReadStream(storage.pathOf(file))
  } catch (error) {
    // Somebody else has completed the upload, or given it up, meanwhile.
    throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? noSuchUpload() : error
  }
}

function chosenParts(xml: string, stored: readonly PartRow[]): PartRow[] {
  const wanted = elements(xml, 'Part').map((part) => ({
    number: Number(textOf(part, 'PartNumber') ?? Number.NaN),
    etag: (textOf(part, 'ETag') ?? '').replace(/^"|"$/g, ''),
  }))
  if (wanted.length === 0 || wanted.some(({ number }) => !Number.isInteger(number))) throw malformedXml()
  if (wanted.some(({ number }, index) => number <= (wanted[index - 1]?.number ?? 0)))
    throw new S3Error(400, 'InvalidPartOrder', 'The list of parts was not in ascending order.')
  return wanted.map(({ number, etag }, index) => {
    const part = stored.find((candidate) => candidate.number === number)
    if (part === undefined || part.etag !== etag)
      throw new S3Error(400, 'InvalidPart', 'One or more of the specified parts could not be found.')
    if (index < wanted.length - 1 && part.size < leastPartBytes)
      throw new S3Error(
        400,
        'EntityTooSmall',
        'Your proposed upload is smaller than the minimum allowed size',
      )
    return part
  })
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html */
export async function abortUpload(request: ObjectRequest, storage: Storage): Promise<S3Answer> {
  await forget(uploadOf(request, storage), storage)
  return { status: 204 }
}

async function forget(upload: UploadRow, storage: Storage): Promise<void> {
  const { catalogue } = storage
  const parts = catalogue.transaction(() => {
    const last = catalogue.parts(upload.id)
    catalogue.removeUpload(upload.id)
    return last
  })
  await storage.discard(parts.map(({ file }) => file))
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html, in one page. */
export function listParts(request: ObjectRequest, storage: Storage): S3Answer {
  const { id, bucket, key } = uploadOf(request, storage)
  return xmlAnswer('ListPartsResult', {
    Bucket: bucket,
    Key: key,
    UploadId: id,
    IsTruncated: false,
    Part: storage.catalogue.parts(id).map(({ number, etag, size, modifiedAt }) => ({
      PartNumber: number,
      LastModified: new Date(modifiedAt).toISOString(),
      ETag: `"${etag}"`,
      Size: size,
    })),
  })
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html, in one page. */
export function listUploads(request: S3Request & { readonly bucket: string }, storage: Storage): S3Answer {
  const prefix = request.query.get('prefix') ?? ''
  const uploads = storage.catalogue.uploads(request.bucket).filter(({ key }) => key.startsWith(prefix))
  return xmlAnswer('ListMultipartUploadsResult', {
    Bucket: request.bucket,
    Prefix: prefix,
    IsTruncated: false,
    Upload: uploads.map(({ id, key, startedAt }) => ({
      Key: key,
      UploadId: id,
      Initiated: new Date(startedAt).toISOString(),
    })),
  })
}

function uploadOf(request: ObjectRequest, storage: Storage): UploadRow {
  const upload = storage.catalogue.upload(request.query.get('uploadId') ?? '')
  if (upload === null || upload.bucket !== request.bucket || upload.key !== request.key) throw noSuchUpload()
  return upload
}

function noSuchUpload(): S3Error {
  return new S3Error(404, 'NoSuchUpload', 'The specified multipart upload does not exist.')
}

function partNumber(request: S3Request): number {
  const text = request.query.get('partNumber') ?? ''
  if (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 10_000) return Number(text)
  throw invalidArgument('Part number must be an integer between 1 and 10000, inclusive')
}
