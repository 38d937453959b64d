import { openStore } from '@thaw/store'
import { openSqlite } from '../src/index.ts'

// Raises the counter so many times, one transaction after the other, as one of several processes.

const { url, env, times, directory } = JSON.parse(process.argv[2] ?? '')
const db = await openSqlite({ store: await openStore(url, env), directory })
await db.execute('CREATE TABLE IF NOT EXISTS counter(id INTEGER PRIMARY KEY, n INTEGER NOT NULL)')
await db.execute('INSERT OR IGNORE INTO counter VALUES (1, 0)')
let runs = 0
for (let i = 0; i < times; i++) {
  await db.atomic((tx) => {
    runs++
    const n = Number(tx.execute('SELECT n FROM counter').rows[0]?.n)
    tx.execute('UPDATE counter SET n = ?', [n + 1])
  })
}
process.stdout.write(JSON.stringify({ runs }))
await db.close()
