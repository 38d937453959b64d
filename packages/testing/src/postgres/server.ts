import pg from 'pg'
import { startChild } from '../child.ts'

export interface PostgresServer {
  /** `postgres://…`, of a database that exists and is empty. */
  readonly url: string
  /** Creates another, empty database in the same server and returns its URL. */
  createDatabase(): Promise<string>
  /** Stops the server, open connections or not, and removes its data. */
  close(): Promise<void>
}

/**
 * A real PostgreSQL server of this machine's own, empty, on a free port of 127.0.0.1. It needs nothing
 * installed but npm packages, runs as an unprivileged user where this process is root, and ends with this
 * process, however that goes.
 */
export async function startPostgres(): Promise<PostgresServer> {
  const child = await startChild<{ port: number }>(new URL('./process.ts', import.meta.url), {})
  const urlOf = (database: string) => `postgres://postgres@127.0.0.1:${child.ready.port}/${database}`
  let databases = 0
  return {
    url: urlOf('postgres'),
    async createDatabase() {
      const name = `thaw_${++databases}`
      const client = new pg.Client({ connectionString: urlOf('postgres') })
      await client.connect()
      try {
        await client.query(`create database ${name}`)
      } finally {
        await client.end()
      }
      return urlOf(name)
    },
    close: () => child.close(),
  }
}
