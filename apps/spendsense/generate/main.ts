import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { drawDataset, seedFiles } from './dataset.ts'
import { SEED } from './seed.ts'

const folder = join(import.meta.dirname, '../data')
await mkdir(folder, { recursive: true })
for (const [name, text] of seedFiles(drawDataset(SEED))) {
  await writeFile(join(folder, name), text)
  console.log(`${name}  ${text.split('\n').length - 3} rows  ${Buffer.byteLength(text)} bytes`)
}
