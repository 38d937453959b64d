import { openStore } from '@thaw/store'

// Downloads every object of the database at once: node download.ts STORE_URL. Prints how long that took, ms.

const store = openStore(process.argv[2] ?? '')
const keys: string[] = []
const started = performance.now()
for await (const { key } of store.list('0000/')) keys.push(key)
await Promise.all(keys.map((key) => store.get(key)))
process.stdout.write(JSON.stringify({ total: performance.now() - started }), () => process.exit(0))
