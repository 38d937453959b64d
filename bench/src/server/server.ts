import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface BenchServerOptions {
  /** Round trip of a PUT, and of everything else, in ms. */
  readonly putMs: number
  readonly getMs: number
  /** Spreads each half of a round trip by this share to both sides. */
  readonly jitter: number
  readonly seed: string
  /** What all answers together may take of the network; without a limit when absent. */
  readonly bytesPerSecond?: number
}

export interface BenchServer {
  /** What it is, for the output. */
  readonly description: string
  /** For `openStore(url, env)`: a prefix of its own in its one bucket. */
  urlOf(prefix: string): string
  readonly env: Readonly<Record<string, string>>
  close(): Promise<void>
}

/**
 * A small S3 server in a process of its own, in memory, with a latency. It honours conditional puts and checks no
 * signature: beside many busy processes on a small machine, a full S3 server would be what is measured.
 */
export async function startBenchServer(options: BenchServerOptions): Promise<BenchServer> {
  const child = fork(fileURLToPath(new URL('./process.ts', import.meta.url)), [JSON.stringify(options)])
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`the bench server ended with code ${code} before it was ready`)
  })
  const [{ port }] = (await Promise.race([once(child, 'message'), failed])) as [{ port: number }]
  failed.catch(() => undefined)
  const { putMs, getMs, jitter } = options
  return {
    description: `an in-memory S3 server of the bench, PUT ${putMs} ms, GET ${getMs} ms, ± ${jitter * 100} %`,
    urlOf: (prefix) =>
      `s3://bench/${prefix}?endpoint=http://127.0.0.1:${port}&region=eu-central-1&forcePathStyle=true`,
    env: { AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench', AWS_REGION: 'eu-central-1' },
    async close() {
      const gone = once(child, 'exit')
      child.disconnect()
      await gone
    },
  }
}
