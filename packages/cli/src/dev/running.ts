import { readFileSync, rmSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Simulator, SimulatorInfo } from '@thaw/local'

/** What a running `thaw dev` leaves in the project, so that other commands find it. */
interface Announcement extends Running {
  readonly pid: number
  /** Of the HTTP API. */
  readonly url: string
}

/** Where the services of a running `thaw dev` are. */
export interface Running {
  /** Of Lambda's API and of SQS. */
  readonly awsUrl: string
  /** Of the S3 server. */
  readonly s3Url: string
}

function fileOf(root: string): string {
  return join(root, '.thaw', 'dev.json')
}

/**
 * Writes `.thaw/dev.json`, which is removed when it is disposed of and when the process exits, unless another one has
 * written it since.
 */
export async function announce({ loaded, url, awsUrl, s3Url }: Simulator): Promise<Disposable> {
  const file = fileOf(loaded.root)
  const text = `${JSON.stringify({ pid: process.pid, url, awsUrl, s3Url } satisfies Announcement, null, 2)}\n`
  await mkdir(join(loaded.root, '.thaw'), { recursive: true })
  await writeFile(file, text)
  const remove = () => {
    process.off('exit', remove)
    try {
      if (readFileSync(file, 'utf8') === text) rmSync(file)
    } catch {
      // It is gone already.
    }
  }
  process.on('exit', remove)
  return { [Symbol.dispose]: remove }
}

/**
 * The `thaw dev` that runs this project; null when there is none. A file that a killed one left behind does not count:
 * whoever answers must say that it runs this very project.
 */
export async function findRunning(root: string): Promise<Running | null> {
  const running = await readAnnouncement(root)
  if (running === null) return null
  const info = await askSimulator(running.awsUrl).catch(() => null)
  return info?.root === root ? running : null
}

/** What is written there, by one that runs or by one that was killed; null when nothing can be read. */
export async function readAnnouncement(root: string): Promise<Announcement | null> {
  try {
    const { pid, url, awsUrl, s3Url } = JSON.parse(
      await readFile(fileOf(root), 'utf8'),
    ) as Partial<Announcement>
    if (typeof pid !== 'number' || typeof url !== 'string') return null
    return typeof awsUrl === 'string' && typeof s3Url === 'string' ? { pid, url, awsUrl, s3Url } : null
  } catch {
    return null
  }
}

/** What runs at an address of Lambda's API. Throws when nobody answers, or somebody else does. */
export async function askSimulator(awsUrl: string): Promise<SimulatorInfo> {
  const response = await fetch(`${awsUrl}/thaw`, { signal: AbortSignal.timeout(2_000) })
  const info = (await response.json()) as Partial<SimulatorInfo>
  if (response.ok && typeof info.root === 'string' && Array.isArray(info.functions))
    return info as SimulatorInfo
  throw new Error('what answers there is no simulator')
}
