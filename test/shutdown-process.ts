import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '@thaw/db'
import { serve } from '@thaw/lambda'
import { persistOnSignals } from '@thaw/sqlite'
import { httpApiEvent, lambdaContext } from '../packages/lambda/test/events.ts'

// An environment whose database persists behind its writes: answers one request that writes, says so, and waits.

interface Schema {
  notes: { text: string }
}

export interface ShutdownOptions {
  readonly url: string
  readonly env: Readonly<Record<string, string>>
  /** Whether the database takes part in requests. */
  readonly takesPart: boolean
  /** Whether somebody has it persisted on signals besides, before `serve` is called or after. */
  readonly signals: 'before' | 'after' | null
}

const { url, env, takesPart, signals }: ShutdownOptions = JSON.parse(process.argv[2] ?? '')
const db = connect<Schema>({ url, env, durability: 'write-behind', writeBehind: { writes: null } })
if (signals === 'before') persistOnSignals([db])
const app = async () => {
  await db.insertInto('notes').values({ text: 'acknowledged' }).execute()
  return new Response()
}
/** Takes a little longer to end than the database. */
const slower = {
  async shutdown() {
    await db.shutdown()
    await sleep(30)
    process.stdout.write('ended\n')
  },
}
const handler = serve(app, { with: takesPart ? [db, slower] : [] })
if (signals === 'after') persistOnSignals([db])

await db.schema.createTable('notes').addColumn('text', 'text').execute()
await db.persist()
const answer = await handler(
  httpApiEvent({ method: 'POST', target: '/', headers: [['Host', 'api.example']], body: Buffer.of() }),
  lambdaContext(),
)
process.stdout.write(`${answer.statusCode}\n`)
setInterval(() => {}, 1_000)
