import { openStore } from '../src/index.ts'

// One of several processes that create the same names at the same time. Told a name, it answers how many
// of its puts were accepted.

const store = openStore(process.argv[2] ?? '')

process.on('message', async ({ key, puts }: { key: string; puts: number }) => {
  const body = new TextEncoder().encode(String(process.pid))
  const results = await Promise.all(
    Array.from({ length: puts }, () => store.put(key, body, { ifAbsent: true })),
  )
  process.send?.({ stored: results.filter(({ outcome }) => outcome === 'stored').length, pid: process.pid })
})
process.on('disconnect', () => store.close())
process.send?.('ready')
