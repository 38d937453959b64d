import { notImplemented, S3Error } from './errors.ts'
import { listObjects } from './listing.ts'
import {
  abortUpload,
  completeUpload,
  copyPart,
  createUpload,
  listParts,
  listUploads,
  uploadPart,
} from './multipart.ts'
import {
  copyObject,
  deleteObject,
  deleteObjects,
  getObject,
  type ObjectRequest,
  putObject,
  xmlAnswer,
} from './objects.ts'
import { header, type S3Answer, type S3Request } from './request.ts'
import type { Storage } from './storage.ts'

/** Parameters that make another request of a request. All but those below are refused. */
const subresources = [
  'acl',
  'accelerate',
  'analytics',
  'attributes',
  'cors',
  'encryption',
  'intelligent-tiering',
  'inventory',
  'legal-hold',
  'lifecycle',
  'location',
  'logging',
  'metrics',
  'notification',
  'object-lock',
  'ownershipControls',
  'policy',
  'policyStatus',
  'publicAccessBlock',
  'replication',
  'requestPayment',
  'restore',
  'retention',
  'select',
  'tagging',
  'torrent',
  'versionId',
  'versioning',
  'versions',
  'website',
]

/** Does what a request asks for. Throws `S3Error`. */
export async function dispatch(request: S3Request, storage: Storage, nowMs: number): Promise<S3Answer> {
  const { bucket, key } = request
  if (bucket === null) return listBuckets(request, storage)
  const subresource = subresources.find((name) => request.query.has(name))
  if (key === null) return await onBucket({ ...request, bucket }, storage, nowMs, subresource)
  if (subresource !== undefined) throw notImplemented(`${request.method} ?${subresource}`)
  return await onObject({ ...request, bucket, key }, storage, nowMs)
}

async function onObject(request: ObjectRequest, storage: Storage, nowMs: number): Promise<S3Answer> {
  const { method, query } = request
  const isPart = query.has('uploadId')
  const copies = header(request, 'x-amz-copy-source') !== null
  switch (method) {
    case 'GET':
      return isPart ? listParts(request, storage) : await getObject(request, storage)
    case 'HEAD':
      return await getObject(request, storage)
    case 'PUT':
      if (isPart) return await (copies ? copyPart : uploadPart)(request, storage, nowMs)
      return await (copies ? copyObject : putObject)(request, storage, nowMs)
    case 'DELETE':
      return await (isPart ? abortUpload : deleteObject)(request, storage)
    case 'POST':
      if (query.has('uploads')) return createUpload(request, storage, nowMs)
      if (isPart) return await completeUpload(request, storage, nowMs)
  }
  throw methodNotAllowed(method)
}

async function onBucket(
  request: S3Request & { readonly bucket: string },
  storage: Storage,
  nowMs: number,
  subresource: string | undefined,
): Promise<S3Answer> {
  const { method, bucket, query } = request
  if (subresource !== undefined) return setting(method, subresource)
  if (method === 'POST' && query.has('delete')) return await deleteObjects(request, storage)
  if (method === 'GET' && query.has('uploads')) return listUploads(request, storage)
  if (method === 'GET') return listObjects(request, storage.catalogue)
  if (method === 'HEAD') return { status: 200, headers: { 'x-amz-bucket-region': 'us-east-1' } }
  if (method === 'PUT') {
    storage.catalogue.addBucket(bucket, nowMs)
    return { status: 200, headers: { location: `/${bucket}` } }
  }
  if (method === 'DELETE') {
    if (storage.catalogue.range(bucket, Buffer.alloc(0), null, 1).length > 0)
      throw new S3Error(409, 'BucketNotEmpty', 'The bucket you tried to delete is not empty')
    storage.catalogue.removeBucket(bucket)
    return { status: 204 }
  }
  throw methodNotAllowed(method)
}

/** Settings of a bucket are those of a new one, and stay so. */
function setting(method: string, name: string): S3Answer {
  if (method !== 'GET') throw notImplemented(`${method} ?${name}`)
  if (name === 'versioning') return xmlAnswer('VersioningConfiguration', {})
  if (name === 'location') return xmlAnswer('LocationConstraint', {})
  if (name === 'lifecycle')
    throw new S3Error(404, 'NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist')
  if (name === 'policy') throw new S3Error(404, 'NoSuchBucketPolicy', 'The bucket policy does not exist')
  if (name === 'cors')
    throw new S3Error(404, 'NoSuchCORSConfiguration', 'The CORS configuration does not exist')
  throw notImplemented(`GET ?${name}`)
}

function listBuckets(request: S3Request, storage: Storage): S3Answer {
  if (request.method !== 'GET') throw methodNotAllowed(request.method)
  const buckets = storage.catalogue.buckets().map(({ name, createdAt }) => ({
    Name: name,
    CreationDate: new Date(createdAt).toISOString(),
  }))
  return xmlAnswer('ListAllMyBucketsResult', { Owner: { ID: 'local' }, Buckets: { Bucket: buckets } })
}

function methodNotAllowed(method: string): S3Error {
  return new S3Error(405, 'MethodNotAllowed', `The method ${method} is not allowed against this resource.`)
}
