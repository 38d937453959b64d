import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { S3Client } from '@aws-sdk/client-s3'
import { type BucketOptions, startBucket } from '../src/bucket/bucket.ts'

export const credentials = { accessKeyId: 'LOCAL', secretAccessKey: 'local' }

/** An S3 server in a folder of its own. */
export async function openBucket(options: BucketOptions = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'thaw-bucket-'))
  const lines: string[] = []
  const bucket = await startBucket({ directory, ...options, log: (line) => lines.push(line) })
  const client = new S3Client({
    endpoint: bucket.url,
    region: 'eu-central-1',
    credentials,
    forcePathStyle: true,
    maxAttempts: 1,
  })
  return {
    url: bucket.url,
    directory: options.directory ?? directory,
    client,
    /** What the server had to say about itself: nothing, when all is well. */
    lines,
    async close() {
      client.destroy()
      await bucket.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export type OpenBucket = Awaited<ReturnType<typeof openBucket>>
