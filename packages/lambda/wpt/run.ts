import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { runInThisContext } from 'node:vm'

// One file of Web Platform Tests, in a process of its own: run.ts ROOT FILE ORIGIN native|stand-in. Sends each result.

const [root = '', file = '', origin = '', kind = ''] = process.argv.slice(2)
if (kind === 'stand-in') await import('../src/fetch/install.ts')

interface Harness {
  add_result_callback(callback: (test: { name: string; status: number; message: string }) => void): void
  add_completion_callback(callback: () => void): void
}

const scope = globalThis as unknown as Harness & Record<string | symbol, unknown>
scope.self = globalThis
scope.location = new URL(file, `${origin}/`)
scope.GLOBAL = { isWindow: () => false, isWorker: () => false, isShadowRealm: () => false }
// What relative URLs are relative to, as `setGlobalOrigin` of undici says it.
scope[Symbol.for('undici.globalOrigin.1')] = scope.location
// A test that leaves a rejection alone must not end those beside it.
process.on('unhandledRejection', () => {})

const load = (path: string) => runInThisContext(readFileSync(path, 'utf8'), { filename: path })
load(join(root, 'resources/testharness.js'))
scope.add_result_callback(({ name, status, message }) => {
  process.send?.({ name, passed: status === 0 })
  if (status !== 0) console.log(`${name}: ${message}`)
})
scope.add_completion_callback(() => process.disconnect())
const path = join(root, file)
for (const [, script = ''] of readFileSync(path, 'utf8').matchAll(/^\/\/ META: script=(.*)$/gm)) {
  load(script.startsWith('/') ? join(root, script) : join(dirname(path), script))
}
load(path)
