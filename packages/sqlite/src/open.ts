import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { Chain } from './chain.ts'
import { systemClock } from './clock.ts'
import { Committer } from './committer.ts'
import { BucketDatabase } from './database.ts'
import { ownDirectory } from './directory.ts'
import { Fairness } from './fairness.ts'
import { Follower } from './follower.ts'
import { wantedBy } from './freshness.ts'
import { BackgroundMaintenance } from './maintenance/background.ts'
import { durabilityOf, keyLifetime, newDatabase, type OpenOptions } from './options.ts'
import { Publisher } from './publisher.ts'
import { Runner } from './runner.ts'
import type { SqliteDatabase } from './types.ts'
import { openWriteBehind } from './write-behind/open.ts'
import { changedThresholds, DEFAULT_THRESHOLDS } from './write-behind/thresholds.ts'

const FENCE_WINDOW_MS = 5 * 60_000

/**
 * Opens the database that lives in `options.store`, bringing a copy of it to this machine. A store that holds none
 * gives an empty database, which comes to be in the store with its first transaction.
 *
 * How long that took is left as the performance measure `thaw:restore`. What happens afterwards is told to subscribers of
 * the diagnostics channel `thaw:measure`.
 *
 * @throws RestoreError when an object of the chain is missing or damaged
 * @throws StoreError when the store cannot be reached or refuses
 */
export async function openSqlite(options: OpenOptions): Promise<SqliteDatabase> {
  const made = newDatabase(options)
  const durability = durabilityOf(options)
  const wanted = wantedBy(options.freshness ?? 'strong')
  const keyLifetimeMs = keyLifetime(options)
  const thresholds = changedThresholds(DEFAULT_THRESHOLDS, options.writeBehind ?? {})
  const { store } = options
  const clock = options.clock ?? systemClock
  const description = options.description ?? store.description
  const fenceWindowMs = options.fenceWindowMs ?? FENCE_WINDOW_MS
  const started = performance.now()
  const directory = ownDirectory(options.directory ?? tmpdir(), clock.now())
  try {
    const chain = new Chain(store, description)
    const writerId = options.writerId ?? randomBytes(8).readBigUInt64BE()
    const fairness = new Fairness()
    const follower = new Follower({
      store,
      chain,
      clock,
      directory: directory.path,
      description,
      newDatabase: made,
      fenceWindowMs,
      readPatienceMs: options.readPatienceMs ?? 2_000,
      onForeignLink: (link) => fairness.saw(link, clock.now()),
    })
    await follower.exclusive(() => follower.synchronise(null))
    performance.measure('thaw:restore', { start: started, detail: { description } })
    const maintenance = new BackgroundMaintenance({ store, description }, options.maintainEvery)
    const transactionTimeoutMs = options.transactionTimeoutMs ?? 30_000
    const runner = new Runner({ clock, description, transactionTimeoutMs })
    const publishing = {
      store,
      chain,
      follower,
      clock,
      description,
      writerId,
      fenceWindowMs,
      onPublished: (txid: number) => maintenance.published(txid),
    }
    const commitTimeoutMs = options.commitTimeoutMs ?? 30_000
    const settings = { ...options.writeBehind, ...thresholds }
    const behind =
      durability === 'write-behind'
        ? openWriteBehind({ ...publishing, runner, settings, persistTimeoutMs: commitTimeoutMs })
        : null
    const publisher = new Publisher({ ...publishing, fairness, commitTimeoutMs })
    const maxAttempts = options.maxAttempts ?? 100
    const committer = new Committer({
      follower,
      fairness,
      publisher,
      runner,
      clock,
      description,
      maxAttempts,
    })
    return new BucketDatabase({
      description,
      clock,
      durability,
      wanted,
      keyLifetimeMs,
      follower,
      runner,
      committer,
      behind,
      maintenance,
      directory,
    })
  } catch (error) {
    directory.release()
    throw error
  }
}
