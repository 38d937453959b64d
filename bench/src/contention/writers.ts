import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { openSqlite } from '@thaw/sqlite'
import { openStore } from '@thaw/store'
import type { BenchServer } from '../server/server.ts'
import type { WriterOptions, WriterResult } from './writer.ts'

const PROGRAM = fileURLToPath(new URL('./writer.ts', import.meta.url))
/** Until connections are made, code is warm and everybody has met everybody. */
const WARM_UP_MS = 1_500

/** Lets that many processes write to one new database, each with one transaction outstanding at all times. */
export async function contend(
  server: BenchServer,
  prefix: string,
  writers: number,
  windowMs: number,
  directory: string,
): Promise<WriterResult[]> {
  const options: WriterOptions = { url: server.urlOf(prefix), env: server.env, directory }
  await createDatabase(options)
  const children = Array.from({ length: writers }, () => fork(PROGRAM, [JSON.stringify(options)]))
  try {
    await Promise.all(children.map((child) => once(child, 'message')))
    const from = Date.now() + WARM_UP_MS
    const results = children.map((child) => once(child, 'message'))
    for (const child of children) child.send({ from, until: from + windowMs })
    return (await Promise.all(results)).map(([result]) => result as WriterResult)
  } finally {
    await Promise.all(
      children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const gone = once(child, 'exit')
        child.disconnect()
        await gone
      }),
    )
  }
}

async function createDatabase({ url, env, directory }: WriterOptions): Promise<void> {
  const store = openStore(url, env)
  const db = await openSqlite({ store, directory })
  await db.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)')
  await db.close()
  await store.close()
}
