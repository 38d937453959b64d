import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { openStore } from '@thaw/store'
import { startS3Server } from '@thaw/testing'
import { expect, onTestFinished, test } from 'vitest'
import { open, temporaryDirectory } from './kit.ts'

const PROCESSES = 4
const TIMES = 60
const program = fileURLToPath(new URL('./fairness-process.ts', import.meta.url))

test('while four processes never rest, all of them get on: none makes more than twice its share', async () => {
  const server = await startS3Server({ putLatencyMs: 20, getLatencyMs: 10 })
  onTestFinished(() => server.close())
  const { url, env } = server
  const db = await open({ store: openStore(url, env) })
  await db.execute('CREATE TABLE t(id INTEGER PRIMARY KEY)')

  const options = JSON.stringify({ url, env, times: TIMES, directory: temporaryDirectory() })
  const writers = Array.from({ length: PROCESSES }, () => fork(program, [options], { execArgv: [] }))
  onTestFinished(() => Promise.all(writers.map(end)).then(() => undefined))
  await Promise.all(writers.map(told))
  const done = writers.map(told)
  for (const writer of writers) writer.send('go')
  await Promise.all(done)

  const counts = writers.map(async (writer) => {
    const answer = told(writer)
    writer.send('count')
    return Number(await answer)
  })
  const committed = await Promise.all(counts)
  expect(Math.min(...committed)).toBeGreaterThanOrEqual(TIMES)
  // The fastest wrote on until the slowest had its TIMES. Without turns it makes many times as many.
  expect(Math.max(...committed)).toBeLessThan(2 * TIMES)
}, 120_000)

/** The next message of a writer; one that ends instead has failed. */
async function told(writer: ChildProcess): Promise<unknown> {
  const message = once(writer, 'message')
  const gone = once(writer, 'exit').then(([code]) => {
    throw new Error(`a writer ended with code ${code}`)
  })
  const [said] = await Promise.race([message, gone])
  gone.catch(() => undefined)
  return said
}

async function end(writer: ChildProcess): Promise<void> {
  if (writer.exitCode !== null || writer.signalCode !== null) return
  const gone = once(writer, 'exit')
  writer.disconnect()
  await gone
}
