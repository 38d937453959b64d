import { folderStore } from '../src/index.ts'

// A process that replaces one object for ever, until it is killed. Each version is one byte, repeated.

const store = folderStore(process.argv[2] ?? '')
for (let i = 0; ; i = (i + 1) % 256) {
  await store.put('versions/one', new Uint8Array(200_000).fill(i))
  await store.put(`created/${process.pid}-${i}`, new Uint8Array(50_000).fill(i), { ifAbsent: true })
  process.send?.(i)
}
