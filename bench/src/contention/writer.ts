import { openSqlite } from '@thaw/sqlite'
import { openStore } from '@thaw/store'

// One writer of several: node writer.ts OPTIONS. Says when it is ready; told to, commits one row after the other, and
// tells what became of those that ended within the window. It writes on until it is let go, so that the
// others meet the same crowd to the end of theirs.

export interface WriterOptions {
  readonly url: string
  readonly env: Readonly<Record<string, string>>
  readonly directory: string
}

export interface WriterResult {
  /** ms of each commit. */
  readonly latencies: readonly number[]
  /** How often their functions ran. */
  readonly tries: number
  readonly gets: number
  /** CPU time of this process, ms. */
  readonly cpuMs: number
}

const { url, env, directory }: WriterOptions = JSON.parse(process.argv[2] ?? '')
const inner = openStore(url, env)
let gets = 0
const store = {
  ...inner,
  get: (...args: Parameters<typeof inner.get>) => {
    gets++
    return inner.get(...args)
  },
}
const db = await openSqlite({ store, directory })

let tries = 0
function commit(): Promise<unknown> {
  return db.atomic((tx) => {
    tries++
    return tx.execute('INSERT INTO t(v) VALUES (?)', ['one row'])
  })
}

process.on('disconnect', () => process.exit(0))
process.on('message', async ({ from, until }: { from: number; until: number }) => {
  const latencies: number[] = []
  let windowTries = 0
  let cpu = process.cpuUsage()
  for (;;) {
    const before = Date.now() < from
    tries = 0
    const started = performance.now()
    await commit()
    const now = Date.now()
    if (now >= until) break
    if (now < from) continue
    if (before) cpu = process.cpuUsage()
    latencies.push(performance.now() - started)
    windowTries += tries
  }
  const { user, system } = process.cpuUsage(cpu)
  const result: WriterResult = { latencies, tries: windowTries, gets, cpuMs: (user + system) / 1000 }
  process.send?.(result)
  for (;;) await commit()
})
process.send?.('ready')
