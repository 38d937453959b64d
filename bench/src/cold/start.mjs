import { pathToFileURL } from 'node:url'

// One cold start, as a process of its own, and no TypeScript: stripping types would cost 40 ms that Lambda does not pay.
// node start.mjs BUNDLE EVENT STARTED_AT. Prints how long each part took, ms.

const entered = performance.now()
const [bundle = '', event = '', startedAt = ''] = process.argv.slice(2)
const processMs = performance.timeOrigin + entered - Number(startedAt)

const { handler } = await import(pathToFileURL(bundle).href)
const imported = performance.now()

const context = { awsRequestId: 'cold-start', functionName: 'api', getRemainingTimeInMillis: () => 30_000 }
const answer = await handler(JSON.parse(event), context)
const answered = performance.now()
if (answer.statusCode !== 200) throw new Error(`the cold start was answered with ${JSON.stringify(answer)}`)

const [restore] = performance.getEntriesByName('thaw:restore')
const restored = restore ? Math.max(imported, restore.startTime + restore.duration) : imported
const parts = {
  process: processMs,
  import: imported - entered,
  restore: restored - imported,
  response: answered - restored,
  total: processMs + answered - entered,
}
process.stdout.write(JSON.stringify(parts), () => process.exit(0))
