import pg from 'pg'
import { ConnectError } from '../../errors.ts'
import { isPassing } from './failures.ts'
import type { PostgresSettings } from './settings.ts'
import type { Time } from './time.ts'

const FIRST_PAUSE_MS = 1_000
const MAX_PAUSE_MS = 16_000

/**
 * Connects, again and again while the server may be on its way: a cluster that scaled to zero takes 15 seconds and
 * more to resume. Pauses double from 1 s.
 * @param until when to give up, ms since the epoch
 * @throws ConnectError, at once when trying again cannot help
 */
export async function dial(settings: PostgresSettings, until: number, time: Time): Promise<pg.Client> {
  const started = time.now()
  for (let attempt = 1, pause = FIRST_PAUSE_MS; ; attempt++, pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
    const left = until - time.now()
    try {
      return await dialOnce(settings, Math.max(1, Math.min(settings.connectTimeoutMs, left)))
    } catch (cause) {
      const retryable = isPassing(cause)
      if (!retryable || time.now() + pause >= until) {
        const tried =
          attempt === 1 ? 'at the first attempt' : `in ${attempt} attempts over ${time.now() - started} ms`
        const reason = cause instanceof Error && cause.message !== '' ? cause.message : String(cause)
        throw new ConnectError(`no connection to ${settings.description} ${tried}: ${reason}`, {
          cause,
          retryable,
        })
      }
      await time.sleep(pause)
    }
  }
}

async function dialOnce(settings: PostgresSettings, timeoutMs: number): Promise<pg.Client> {
  const client = new pg.Client({ ...settings.client, connectionTimeoutMillis: timeoutMs })
  // Without a listener, an error of the socket would end the process; `connect` reports it.
  client.on('error', () => {})
  try {
    await client.connect()
    return client
  } catch (error) {
    await client.end().catch(() => {})
    throw error
  }
}
