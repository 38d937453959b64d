import { connect } from '../src/index.ts'

/** What a process of a test is to do. The answer goes out as one line of JSON. */
export type Job =
  | { readonly do: 'ready' }
  /** Migrates, and is gone before it could seed. */
  | { readonly do: 'migrate and die' }
  /** Adds 1 to the counter, once for every key, and `plain` times without. */
  | { readonly do: 'count'; readonly keys: readonly string[]; readonly plain: number }

export interface Work {
  readonly url: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly migrations: string
  readonly seed: string | null
  readonly job: Job
}

interface Schema {
  counters: { id: number; value: number }
}

const { url, env, migrations, seed, job } = JSON.parse(process.argv[2] ?? '') as Work

// All begin when all have come this far.
process.stdout.write('loaded\n')
await new Promise((resolve) => process.stdin.once('data', resolve))
process.stdin.unref()

const db = connect<Schema>({ url, env, migrations, seed: job.do === 'migrate and die' ? null : seed })
const preparation = await db.ready()
if (job.do === 'migrate and die') process.kill(process.pid, 'SIGKILL')
if (job.do === 'count') {
  const add = (key?: string) =>
    db.atomic(
      async (tx) => {
        const { value } = await tx.selectFrom('counters').select('value').executeTakeFirstOrThrow()
        await tx
          .updateTable('counters')
          .set({ value: value + 1 })
          .execute()
        return value + 1
      },
      { key },
    )
  for (const key of job.keys) await add(key)
  for (let i = 0; i < job.plain; i++) await add()
}
await db.shutdown()
process.stdout.write(`${JSON.stringify(preparation)}\n`)
process.exit(0)
