import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

// The calls of one warm environment, one after the other, as a process of its own and with no TypeScript in it:
// node warm.mjs BUNDLE EVENT_FILE CALLS. Prints what a call took, and what it took of the processor's time, what is done
// afterwards and garbage collection in threads of its own included; both in µs.

/** Every call has an event of its own, as adapters change events; making them is not measured. */
const BATCH = 100
const context = { awsRequestId: 'warm', functionName: 'api', getRemainingTimeInMillis: () => 30_000 }

// Between two calls a runtime waits for its next event, and what was put off until then is done.
const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

const [bundle = '', eventFile = '', calls = ''] = process.argv.slice(2)
const { handler } = await import(pathToFileURL(bundle).href)
const event = readFileSync(eventFile, 'utf8')

await run(Number(calls) / 2)
const { wall, cpu } = await run(Number(calls))
const perCall = { wall: (wall * 1_000) / Number(calls), cpu: cpu / Number(calls) }
process.stdout.write(JSON.stringify(perCall), () => process.exit(0))

async function run(count) {
  let wall = 0
  let cpu = 0
  for (let done = 0; done < count; done += BATCH) {
    const events = Array.from({ length: BATCH }, () => JSON.parse(event))
    const cpuBefore = process.cpuUsage()
    let answer
    for (const each of events) {
      const started = performance.now()
      answer = await handler(each, context)
      wall += performance.now() - started
      await nextTurn()
    }
    const used = process.cpuUsage(cpuBefore)
    cpu += used.user + used.system
    check(answer)
  }
  return { wall, cpu }
}

function check({ statusCode, body, isBase64Encoded }) {
  const text = isBase64Encoded ? Buffer.from(body, 'base64').toString() : body
  if (statusCode === 200 && JSON.parse(text)) return
  throw new Error(`the call was answered with ${statusCode}: ${text.slice(0, 200)}`)
}
