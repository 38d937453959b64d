import type { ObjectStore } from '@thaw/store'
import type { SeededRandom } from '@thaw/testing'
import { openSqlite } from '../src/index.ts'
import type { Environment } from './environment.ts'
import type { Plan } from './plan.ts'

const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 60_000

/**
 * Has an environment open the database, again and again until the bucket lets it.
 * @param random decides how it is known as a writer
 * @throws what it must not end with
 */
export async function openIn(
  environment: Environment,
  store: ObjectStore,
  plan: Plan,
  random: SeededRandom,
): Promise<void> {
  const writerId = random.bytes(8).reduce((id, byte) => (id << 8n) | BigInt(byte), 0n)
  for (
    let pause = FIRST_RETRY_MS;
    !environment.dead && !environment.db;
    pause = Math.min(2 * pause, LONGEST_RETRY_MS)
  ) {
    try {
      environment.db = await openSqlite({
        store,
        directory: environment.directory,
        clock: environment.clock,
        description: environment.name,
        writerId,
        commitTimeoutMs: plan.commitTimeoutMs,
        maxAttempts: plan.maxAttempts,
        readPatienceMs: plan.readPatienceMs,
        maintainEvery: plan.maintenance?.inlineEvery ?? 0,
        freshness: environment.freshness,
        durability: environment.gathers ? 'invocation' : 'commit',
        ...environment.newDatabase,
      })
    } catch (error) {
      if (environment.dead) return
      const name = error instanceof Error ? error.name : ''
      // What is wiped and filled while it is read fits together only by luck.
      const torn = plan.scenario === 'wipe' && (name === 'RestoreError' || name === 'HistoryChangedError')
      if (name !== 'StoreError' && !torn) throw error
      await environment.pause(pause)
    }
  }
}
