import type { PersistError, WriteBehindLostError } from '../errors.ts'
import type { WriteBehindSettings } from '../options.ts'
import type { Runner } from '../runner.ts'
import { Persister, type PersisterOptions } from './persister.ts'
import { unrefTimer } from './schedule.ts'
import type { Thresholds } from './thresholds.ts'
import { WriteBehind } from './write-behind.ts'

const LARGEST_LOG_BYTES = 64 * 1024 * 1024

export interface OpenWriteBehindOptions extends PersisterOptions {
  readonly settings: WriteBehindSettings & Thresholds
  readonly persistTimeoutMs: number
  readonly runner: Runner
}

export function openWriteBehind(options: OpenWriteBehindOptions): WriteBehind {
  const { settings, runner, follower, clock, description, persistTimeoutMs } = options
  return new WriteBehind({
    follower,
    runner,
    persister: new Persister(options),
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
