import { maintain } from '@thaw/sqlite'
import { openStore } from '@thaw/store'

// Runs on Lambda, on a schedule, beside the functions of an application: the only one that may delete.

/** A run that went well, as a line of the log. */
export interface MaintenanceRecord {
  readonly level: 'INFO'
  /** ISO 8601. */
  readonly time: string
  readonly message: 'maintenance'
  readonly requestId: string
  readonly database: string
  /** Keys of the files that were made, or found made. */
  readonly created: readonly string[]
  /** How many files of each level were deleted: `{ "0000": 256 }`. A day's names would not fit into a line. */
  readonly deleted: Readonly<Record<string, number>>
  readonly durationMs: number
}

/**
 * Looks after the database below `THAW_STORE_URL`, once. It may be run twice at a time, be killed and be late.
 * @throws whatever `maintain` throws, which makes the invocation one that failed
 */
export async function handler(
  _event: unknown,
  { awsRequestId: requestId = '' }: { readonly awsRequestId?: string } = {},
): Promise<MaintenanceRecord> {
  const began = performance.now()
  const url = process.env.THAW_STORE_URL
  if (url === undefined) {
    throw new Error('THAW_STORE_URL is not set: give it the place of the database, s3://bucket/prefix')
  }
  const database = `sqlite+${url.replace(/[?#].*$/s, '')}`
  const time = () => ({ time: new Date().toISOString(), durationMs: Math.round(performance.now() - began) })
  const store = openStore(url)
  try {
    const { created, deleted } = await maintain({ store, description: database })
    const told = { requestId, database, created, deleted: countByLevel(deleted), ...time() }
    const record: MaintenanceRecord = { level: 'INFO', message: 'maintenance', ...told }
    console.log(JSON.stringify(record))
    return record
  } catch (error) {
    const { name, message, code } = error as Error & { readonly code?: string }
    const told = { requestId, database, error: { name, code, message }, ...time() }
    console.error(JSON.stringify({ level: 'ERROR', message: 'maintenance failed', ...told }))
    throw error
  } finally {
    await store.close()
  }
}

function countByLevel(keys: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const key of keys) {
    const [level = ''] = key.split('/')
    counts[level] = (counts[level] ?? 0) + 1
  }
  return counts
}
