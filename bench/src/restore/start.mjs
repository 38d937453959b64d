import { openSqlite } from '@thaw/sqlite'
import { openStore } from '@thaw/store'

// One restore, or one raw download, in a process of its own: node start.mjs restore|download STORE_URL DIRECTORY.
// Prints how long it took, ms. Modules are loaded before, and a request has been made.

const [what, url, directory] = process.argv.slice(2)
const store = openStore(url)
await store.head('nothing')

const started = performance.now()
if (what === 'restore') {
  const db = await openSqlite({ store, directory })
  const took = performance.now() - started
  await db.close()
  finish(took)
} else {
  const objects = []
  for await (const object of store.list('0000/')) objects.push(object)
  await Promise.all(objects.flatMap(ranges).map(({ key, range }) => store.get(key, { range })))
  finish(performance.now() - started)
}

/** As large objects are downloaded: in ranges, all at once. */
function ranges({ key, size }) {
  const PIECE = 4 * 1024 * 1024
  return Array.from({ length: Math.ceil(size / PIECE) }, (_, i) => ({
    key,
    range: { start: i * PIECE, end: (i + 1) * PIECE },
  }))
}

function finish(ms) {
  process.stdout.write(String(ms), () => process.exit(0))
}
