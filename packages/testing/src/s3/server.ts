import { startChild } from '../child.ts'
import type { ServerFault } from './faults.ts'
import type { S3ProcessOptions, S3Question } from './process.ts'

export interface S3ServerOptions {
  /** Added to every round trip, in ms. */
  readonly latencyMs?: number
  /** The same for puts alone, and for everything else. */
  readonly putLatencyMs?: number
  readonly getLatencyMs?: number
  /** Accepts every conditional put, as some S3 servers do. */
  readonly ignoreConditions?: boolean
}

export interface S3Server {
  /** `s3://bucket?…`, for `openStore(url, env)`. */
  readonly url: string
  /** The same with a prefix. */
  urlOf(prefix: string): string
  /** Credentials and region. */
  readonly env: Readonly<Record<string, string>>
  readonly endpoint: string
  readonly bucket: string
  readonly region: string
  /** Befalls requests to come; signatures are checked before. */
  fault(fault: ServerFault): Promise<void>
  /** Forgets the faults that are still to come. */
  clearFaults(): Promise<void>
  createBucket(name: string): Promise<void>
  /** How many multipart uploads are neither completed nor aborted. */
  openUploads(): Promise<number>
  close(): Promise<void>
}

/**
 * An S3 server in a process of its own, with one bucket, in memory. It checks signatures and their time, and
 * honours conditional puts and completions of multipart uploads. It ends with this process.
 */
export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  const bucket = 'thaw-test'
  const region = 'eu-central-1'
  const accessKeyId = 'THAWTESTACCESSKEY000'
  const secretAccessKey = 'thaw/test+secret/access+key'
  const full: S3ProcessOptions = { ...options, bucket, accessKeyId, secretAccessKey }
  const child = await startChild<{ port: number }>(new URL('./process.ts', import.meta.url), full)
  const endpoint = `http://127.0.0.1:${child.ready.port}`
  const urlOf = (prefix: string) =>
    `s3://${bucket}/${prefix}?endpoint=${endpoint}&region=${region}&forcePathStyle=true`
  return {
    url: urlOf(''),
    urlOf,
    env: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_REGION: region },
    endpoint,
    bucket,
    region,
    fault: (fault) => child.ask({ fault } satisfies S3Question),
    clearFaults: () => child.ask({ clearFaults: true } satisfies S3Question),
    createBucket: (name) => child.ask({ createBucket: name } satisfies S3Question),
    openUploads: () => child.ask({ openUploads: true } satisfies S3Question),
    close: () => child.close(),
  }
}
