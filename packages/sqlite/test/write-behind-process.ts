import { openStore } from '@thaw/store'
import { openSqlite, persistOnSignals } from '../src/index.ts'

// A process in write-behind mode: persists one row, writes another one, says so, and waits to be ended or ends.

const { url, directory, signals, otherHandler, stays } = JSON.parse(process.argv[2] ?? '')
const db = await openSqlite({
  store: openStore(url, {}),
  directory,
  durability: 'write-behind',
  writeBehind: { writes: null, intervalMs: 60_000 },
})
if (signals) persistOnSignals([db])
if (otherHandler) process.on('SIGTERM', exitWhenPersisted)
await db.execute('CREATE TABLE t(v)')
await db.execute("INSERT INTO t VALUES ('persisted')")
await db.persist()
await db.execute("INSERT INTO t VALUES ('acknowledged')")
process.stdout.write('acknowledged\n')
if (stays) setInterval(() => {}, 1_000)

function exitWhenPersisted(): void {
  if (db.writeBehind?.pending === 0) process.exit(7)
  setTimeout(exitWhenPersisted, 5)
}
