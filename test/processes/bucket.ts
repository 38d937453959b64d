import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, startS3Server } from '@thaw/testing'

const BUCKET = 'thaw-proof'
const STARTS_WITHIN_MS = 30_000

/** A bucket on a server of its own. */
export interface RealBucket {
  /** What it runs on. */
  readonly server: 'minio' | 'fauxqs'
  readonly port: number
  readonly name: string
  readonly region: string
  /** Credentials. */
  readonly env: Readonly<Record<string, string>>
  close(): Promise<void>
}

/** The URL of a database in a bucket, by way of that port of this machine. */
export function urlOf({ name, region }: RealBucket, port: number): string {
  return `s3://${name}/app?endpoint=http://127.0.0.1:${port}&region=${region}&forcePathStyle=true`
}

/** MinIO where it is on the path, else the server of the tests. */
export async function startBucket(directory: string): Promise<RealBucket> {
  if (spawnSync('minio', ['--version']).status === 0) return startMinio(directory)
  const server = await startS3Server()
  const { bucket: name, region, env } = server
  return {
    server: 'fauxqs',
    port: Number(new URL(server.endpoint).port),
    name,
    region,
    env,
    close: () => server.close(),
  }
}

async function startMinio(directory: string): Promise<RealBucket> {
  const port = await freePort()
  const [user, password] = [randomBytes(8).toString('hex'), randomBytes(16).toString('hex')]
  const data = join(directory, 'minio')
  mkdirSync(join(data, BUCKET), { recursive: true }) // a folder is a bucket
  const child = spawn('minio', ['server', '--quiet', '--address', `127.0.0.1:${port}`, data], {
    env: { PATH: process.env.PATH, HOME: directory, MINIO_ROOT_USER: user, MINIO_ROOT_PASSWORD: password },
    stdio: 'ignore',
  })
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  const exited = once(child, 'exit')
  const started = Date.now()
  while (!(await isLive(port))) {
    if (child.exitCode !== null) throw new Error(`minio ended with ${child.exitCode}`)
    if (Date.now() - started > STARTS_WITHIN_MS) throw new Error('minio did not start')
    await sleep(100)
  }
  return {
    server: 'minio',
    port,
    name: BUCKET,
    region: 'us-east-1',
    env: { AWS_ACCESS_KEY_ID: user, AWS_SECRET_ACCESS_KEY: password },
    async close() {
      process.off('exit', end)
      end()
      await exited
    },
  }
}

async function isLive(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/minio/health/live`)).ok
  } catch {
    return false
  }
}
