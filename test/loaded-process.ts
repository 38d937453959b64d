import { builtinModules, registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

// Loads a packaged function and sends it one request, as a process of its own: loaded-process.ts MODULE.
// Prints what that loaded, and the answer.

/** What one start loaded. */
export interface Loaded {
  readonly status: number
  readonly body: string
  /** Modules that were read, `file:` URLs. */
  readonly files: readonly string[]
  /** Node's own modules, without `node:`, that were not there before. */
  readonly builtins: readonly string[]
}

const [path = ''] = process.argv.slice(2)
const files: string[] = []
registerHooks({
  load(url, context, nextLoad) {
    if (url.startsWith('file:')) files.push(url)
    return nextLoad(url, context)
  },
})
const loadList = () => (process as unknown as { moduleLoadList: string[] }).moduleLoadList
const before = new Set(loadList())
const { handler } = await import(pathToFileURL(path).href)
const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 30_000 }
const { statusCode: status, body } = await handler({ httpMethod: 'GET', path: '/' }, context)
// The built-in fetch has no name that could be imported.
const names = new Set([
  ...builtinModules.map((name) => name.replace('node:', '')),
  'internal/deps/undici/undici',
])
const builtins = loadList()
  .filter((name) => !before.has(name))
  .map((name) => name.replace('NativeModule ', ''))
  .filter((name) => names.has(name))
process.stdout.write(JSON.stringify({ status, body, files, builtins } satisfies Loaded), () => process.exit())
