import { connect } from '@thaw/db'
import { createConnections, sqlRegistry } from '@thaw/lambda'
import { CompiledQuery } from 'kysely'

export interface Job {
  readonly job: string
  /** Where the environment is going to be killed, or that the job always fails. */
  readonly act?: 'before' | 'after' | 'fail'
}

interface Schema {
  results: { job: string }
}

export const db = connect<Schema>()

export const connections = createConnections({
  registry: sqlRegistry((text, parameters) => db.executeQuery(CompiledQuery.raw(text, [...parameters]))),
})

/** Says where it is, and waits there to be killed. */
export async function beKilled(job: string): Promise<void> {
  console.log(`MIDDLE of ${job}`)
  await new Promise((resolve) => setTimeout(resolve, 60_000))
}
