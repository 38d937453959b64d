import { createServer } from 'node:net'

/** Where a simulator listens; 0 is any port that is free. */
export interface Ports {
  readonly port: number
  readonly awsPort: number
  readonly s3Port: number
}

/** How many ports are tried for each. */
const tries = 20

/**
 * The first ports from `first` on that are free now: for HTTP, for Lambda's API and SQS, for S3. Where there is none
 * near, HTTP is left with `first`, which fails, and the others get any.
 */
export async function choosePorts(host: string, first: number): Promise<Ports> {
  if (first === 0) return { port: 0, awsPort: 0, s3Port: 0 }
  const port = (await firstFree(host, first)) ?? first
  const awsPort = (await firstFree(host, port + 1)) ?? 0
  const s3Port = (await firstFree('127.0.0.1', (awsPort === 0 ? port : awsPort) + 1)) ?? 0
  return { port, awsPort, s3Port }
}

async function firstFree(host: string, first: number): Promise<number | null> {
  const last = Math.min(first + tries, 65_535)
  for (let port = first; port <= last; port++) if (await isFree(host, port)) return port
  return null
}

/** What else is wrong with the address shows when it is listened on. */
function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'))
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
}
