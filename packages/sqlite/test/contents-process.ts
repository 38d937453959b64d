import { openStore } from '@thaw/store'
import { openSqlite } from '../src/index.ts'
import { contents } from './workload.ts'

// Starts from nothing and prints everything that the database holds.

const { url, directory } = JSON.parse(process.argv[2] ?? '')
const db = await openSqlite({ store: await openStore(url, {}), directory })
process.stdout.write(JSON.stringify(await contents(db)))
await db.close()
