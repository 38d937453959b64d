import { openStore } from '@thaw/store'
import { openSqlite } from '../src/index.ts'

// One of several writers that never rest: says when it is ready, begins when told to, tells when it has committed so
// many transactions and how many, and writes on until it is let go.

const { url, env, times, directory } = JSON.parse(process.argv[2] ?? '')
const db = await openSqlite({ store: openStore(url, env), directory })
let committed = 0
process.on('disconnect', () => process.exit(0))
process.on('message', async (message) => {
  if (message === 'count') {
    process.send?.(committed)
    return
  }
  for (;;) {
    await db.execute('INSERT INTO t DEFAULT VALUES')
    committed++
    if (committed === times) process.send?.('done')
  }
})
process.send?.('ready')
