import { fork } from 'node:child_process'
import { createReadStream, existsSync, globSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

// Runs the Web Platform Tests of headers, requests, responses and bodies against the stand-ins and against Node's own
// classes, and prints how many each passes: WPT=<checkout of web-platform-tests/wpt> node packages/lambda/wpt/main.ts
// Exits with 1 when a test fails with the stand-ins that passes with Node's own.

const root = process.env.WPT
if (!root || !existsSync(join(root, 'resources/testharness.js'))) {
  console.log('SKIPPED: WPT does not name a checkout of https://github.com/web-platform-tests/wpt')
  process.exit(0)
}

/** Whether each test of a file passed, by its name. */
type Results = Record<string, boolean>

// Files that the tests fetch. What their server would compute is missing, for both.
const server = createServer((request, response) => {
  const path = join(root, new URL(request.url ?? '/', 'http://wpt').pathname)
  createReadStream(path)
    .on('error', () => response.writeHead(404).end())
    .pipe(response)
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

function run(file: string, kind: 'native' | 'stand-in'): Promise<Results> {
  const results: Results = {}
  const child = fork(join(import.meta.dirname, 'run.ts'), [root as string, file, origin, kind], {
    silent: true,
  })
  child.on('message', ({ name, passed }: { name: string; passed: boolean }) => {
    results[name] = passed
  })
  const timer = setTimeout(() => child.kill(), 10_000)
  return new Promise((resolve) =>
    child.on('exit', () => {
      clearTimeout(timer)
      resolve(results)
    }),
  )
}

const files = globSync('fetch/api/{headers,request,response,body,abort}/*.any.js', { cwd: root }).sort()
const total = { native: 0, standIn: 0, tests: 0 }
const worse: string[] = []
for (const file of files) {
  const [native, standIn] = await Promise.all([run(file, 'native'), run(file, 'stand-in')])
  const names = new Set([...Object.keys(native), ...Object.keys(standIn)])
  const count = (results: Results) => Object.values(results).filter(Boolean).length
  total.native += count(native)
  total.standIn += count(standIn)
  total.tests += names.size
  console.log(`${file}: stand-ins ${count(standIn)}, Node ${count(native)}, of ${names.size}`)
  for (const name of names) if (native[name] && !standIn[name]) worse.push(`${file}: ${name}`)
}
server.close()
console.log(
  `\nstand-ins ${total.standIn}, Node ${total.native}, of ${total.tests} tests in ${files.length} files`,
)
if (worse.length > 0) {
  console.log(`\nNode's own pass and the stand-ins fail:\n${worse.join('\n')}`)
  process.exitCode = 1
}
