import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { unzipSync } from 'fflate'
import { expect, test } from 'vitest'
import { createZip } from './zip.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

test('order, clock and time zone make no difference', () => {
  const files: [string, Uint8Array][] = [
    ['b.mjs', bytes('b')],
    ['a/c.mjs', bytes('c')],
    ['1', bytes('one')],
  ]
  const zip = Buffer.from(createZip(new Map(files)))
  expect(createZip(new Map([...files].reverse()))).toEqual(new Uint8Array(zip))
  const code = `const { createZip } = await import(${JSON.stringify(fileURLToPath(new URL('./zip.ts', import.meta.url)))})
    const text = (s) => new TextEncoder().encode(s)
    const zip = createZip(new Map([['b.mjs', text('b')], ['a/c.mjs', text('c')], ['1', text('one')]]))
    process.stdout.write(Buffer.from(zip).toString('hex'))`
  for (const TZ of ['Pacific/Kiritimati', 'America/Los_Angeles']) {
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', code], {
      env: { ...process.env, TZ },
    })
    expect(output.toString()).toBe(zip.toString('hex'))
  }
})

test('files come out as they went in, readable for all', () => {
  const zip = createZip(new Map([['data/ü.json', bytes('[1]')]]))
  expect(unzipSync(zip)).toEqual({ 'data/ü.json': bytes('[1]') })
  // External attributes of the one central directory entry: a regular file, rw-r--r--.
  const view = new DataView(zip.buffer, zip.byteOffset)
  const directory = view.getUint32(zip.length - 6, true)
  expect(view.getUint32(directory, true)).toBe(0x02014b50)
  expect(view.getUint32(directory + 38, true) >>> 16).toBe(0o100644)
})
