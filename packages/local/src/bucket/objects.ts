import { type FileHandle, open } from 'node:fs/promises'
import { readDocument, receive } from './body.ts'
import type { ObjectRow } from './catalogue.ts'
import { checkRead, checkWrite, conditionsOf, matches } from './conditions.ts'
import { invalidArgument, malformedXml, noSuchKey, preconditionFailed, S3Error } from './errors.ts'
import { describe, headersOf, metadataOf } from './metadata.ts'
import { readRange } from './range.ts'
import { checkBucketName, decodePart, header, type S3Answer, type S3Request } from './request.ts'
import type { Storage } from './storage.ts'
import { document, elements, textOf } from './xml.ts'

/** A request about one object. */
export interface ObjectRequest extends S3Request {
  readonly bucket: string
  readonly key: string
}

/** An object and its bytes, which stay there while the file is open. */
export interface OpenObject {
  readonly object: ObjectRow
  readonly file: FileHandle
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
export async function putObject(request: ObjectRequest, storage: Storage, nowMs: number): Promise<S3Answer> {
  const { bucket, key } = request
  const headers = metadataOf(request)
  const { file, size, md5, checksum } = await receive(request, storage)
  await place(request, storage, {
    bucket,
    key,
    file,
    size,
    etag: md5,
    modifiedAt: nowMs,
    headers: { ...headers, ...checksum },
  })
  return { status: 200, headers: { etag: `"${md5}"`, ...checksum } }
}

/** Puts an object in its place if the request's conditions hold; otherwise its file is gone. Throws `S3Error`. */
export async function place(request: S3Request, storage: Storage, object: ObjectRow): Promise<void> {
  const { catalogue } = storage
  let unneeded: string | undefined = object.file
  try {
    unneeded = catalogue.transaction(() => {
      const before = catalogue.find(object.bucket, object.key)
      checkWrite(conditionsOf(request), before?.etag ?? null)
      catalogue.addBucket(object.bucket, object.modifiedAt)
      catalogue.put(object)
      return before?.file
    })
  } finally {
    await storage.discard([unneeded])
  }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, and HeadObject. */
export async function getObject(request: ObjectRequest, storage: Storage): Promise<S3Answer> {
  const { object, file } = await openObject(request.bucket, request.key, storage)
  let answered = false
  try {
    if (checkRead(request, object.etag, object.modifiedAt) === 304)
      return { status: 304, headers: describe(object) }
    const range = readRange(header(request, 'range'), object.size)
    const headers = headersOf(object, request)
    if (range !== null) {
      headers['content-range'] = `bytes ${range.first}-${range.last}/${object.size}`
      // They are those of the whole object.
      for (const name of Object.keys(headers)) if (name.startsWith('x-amz-checksum-')) delete headers[name]
    }
    const { first, last } = range ?? { first: 0, last: object.size - 1 }
    const bytes = last - first + 1
    const opened = () => file.createReadStream({ start: first, end: last })
    answered = true
    return {
      status: range === null ? 200 : 206,
      headers,
      stream: { bytes, open: opened, close: () => void file.close().catch(() => {}) },
    }
  } finally {
    if (!answered) await file.close()
  }
}

/** Between a look at the catalogue and the opening of the file the object may be replaced: then once more. */
async function openObject(bucket: string, key: string, storage: Storage): Promise<OpenObject> {
  for (;;) {
    const object = storage.catalogue.find(bucket, key)
    if (object === null) throw noSuchKey()
    try {
      return { object, file: await open(storage.pathOf(object.file)) }
    } catch (error) {
      const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT'
      if (!isGone || storage.catalogue.find(bucket, key)?.file === object.file) throw error
    }
  }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html */
export async function deleteObject(request: ObjectRequest, storage: Storage): Promise<S3Answer> {
  const { catalogue } = storage
  const { bucket, key } = request
  const { ifMatch } = conditionsOf(request)
  const file = catalogue.transaction(() => {
    const object = catalogue.find(bucket, key)
    if (object !== null && ifMatch !== null && !matches(ifMatch, object.etag)) throw preconditionFailed()
    catalogue.remove(bucket, key)
    return object?.file
  })
  await storage.discard([file])
  return { status: 204 }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html, each with a condition of its own. */
export async function deleteObjects(
  request: S3Request & { readonly bucket: string },
  storage: Storage,
): Promise<S3Answer> {
  const { catalogue } = storage
  const { bucket } = request
  const xml = await readDocument(request)
  const wanted = elements(xml, 'Object').map((object) => ({
    key: textOf(object, 'Key') ?? '',
    etag: textOf(object, 'ETag'),
  }))
  if (wanted.length === 0 || wanted.length > 1000 || wanted.some(({ key }) => key === ''))
    throw malformedXml()
  const outcomes = catalogue.transaction(() =>
    wanted.map(({ key, etag }) => {
      const object = catalogue.find(bucket, key)
      const holds = object === null || etag === null || matches(etag, object.etag)
      if (holds) catalogue.remove(bucket, key)
      return { key, holds, file: holds ? object?.file : undefined }
    }),
  )
  await storage.discard(outcomes.map(({ file }) => file))
  const quiet = textOf(xml, 'Quiet') === 'true'
  const { code: Code, message: Message } = preconditionFailed()
  return xmlAnswer('DeleteResult', {
    Deleted: outcomes.filter(({ holds }) => holds && !quiet).map(({ key: Key }) => ({ Key })),
    Error: outcomes.filter(({ holds }) => !holds).map(({ key: Key }) => ({ Key, Code, Message })),
  })
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
export async function copyObject(request: ObjectRequest, storage: Storage, nowMs: number): Promise<S3Answer> {
  const source = await openSource(request, storage)
  await using opened = source.file
  const { bucket, key } = request
  const replaces = header(request, 'x-amz-metadata-directive')?.toUpperCase() === 'REPLACE'
  const headers = replaces ? metadataOf(request) : source.object.headers
  if (!replaces && source.object.bucket === bucket && source.object.key === key)
    throw new S3Error(400, 'InvalidRequest', 'This copy request is illegal: it copies an object to itself.')
  const file = await storage.write(opened.createReadStream({ autoClose: false }))
  // What an upload in parts has as its etag is kept, though S3 makes a new one for a copy in one piece.
  await place(request, storage, { ...source.object, bucket, key, file, modifiedAt: nowMs, headers })
  return xmlAnswer('CopyObjectResult', copied(source.object.etag, nowMs))
}

/** What `x-amz-copy-source` names, if its conditions hold; the file is the caller's to close. Throws `S3Error`. */
export async function openSource(request: S3Request, storage: Storage): Promise<OpenObject> {
  const text = (header(request, 'x-amz-copy-source') ?? '').replace(/\?.*$/s, '')
  const [, bucket = '', encoded = ''] = /^\/?([^/]+)\/(.+)$/s.exec(text) ?? []
  if (encoded === '') throw invalidArgument('Copy Source must mention the source bucket and key')
  checkBucketName(bucket)
  const source = await openObject(bucket, decodePart(encoded), storage)
  const { ifMatch, ifNoneMatch } = conditionsOf(request, 'x-amz-copy-source-')
  const { etag } = source.object
  const holds =
    (ifMatch === null || matches(ifMatch, etag)) && (ifNoneMatch === null || !matches(ifNoneMatch, etag))
  if (holds) return source
  await source.file.close()
  throw preconditionFailed()
}

export function copied(etag: string, nowMs: number) {
  return { LastModified: new Date(nowMs).toISOString(), ETag: `"${etag}"` }
}

export function xmlAnswer(root: string, fields: Parameters<typeof document>[1]): S3Answer {
  return { status: 200, headers: { 'content-type': 'application/xml' }, body: document(root, fields) }
}
