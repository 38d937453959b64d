import type { PersistError, WriteBehindLostError } from '../errors.ts'
import type { WriteBehindSettings } from '../options.ts'
import { Runner } from '../runner.ts'
import { Publisher, type PublisherOptions } from './publisher.ts'
import { unrefTimer } from './schedule.ts'
import type { Thresholds } from './thresholds.ts'
import { WriteBehind } from './write-behind.ts'

const LARGEST_LOG_BYTES = 64 * 1024 * 1024

export interface OpenWriteBehindOptions extends PublisherOptions {
  readonly settings: WriteBehindSettings & Thresholds
  readonly persistTimeoutMs: number
}

export function openWriteBehind(options: OpenWriteBehindOptions): WriteBehind {
  const { settings, follower, clock, description, persistTimeoutMs } = options
  return new WriteBehind({
    follower,
    runner: new Runner(),
    publisher: new Publisher(options),
    clock,
    setTimer: settings.setTimer ?? unrefTimer,
    description,
    thresholds: { writes: settings.writes, intervalMs: settings.intervalMs },
    persistTimeoutMs,
    largestLogBytes: settings.largestLogBytes ?? LARGEST_LOG_BYTES,
    onPersistError: settings.onPersistError ?? warn,
  })
}

function warn(error: PersistError | WriteBehindLostError): void {
  process.emitWarning(error.message, { type: 'ThawWarning', code: error.code })
}
