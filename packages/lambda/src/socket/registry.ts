/**
 * Which connections are open, each under any number of topics. Closed ones may be among them: API Gateway does not
 * promise to tell, so whoever sends finds out.
 */
export interface ConnectionRegistry {
  /** Does nothing where it is there already. */
  add(topic: string, connectionId: string): Promise<void>
  /** From one topic, or from all when `topic` is null. */
  remove(topic: string | null, connectionId: string): Promise<void>
  list(topic: string): Promise<readonly string[]>
}

/** A registry in this process alone: for tests, and for a local server. On Lambda other environments do not see it. */
export function memoryRegistry(): ConnectionRegistry {
  const topics = new Map<string, Set<string>>()
  return {
    async add(topic, connectionId) {
      topics.set(topic, (topics.get(topic) ?? new Set()).add(connectionId))
    },
    async remove(topic, connectionId) {
      for (const [name, ids] of topics) {
        if (topic !== null && topic !== name) continue
        ids.delete(connectionId)
        if (ids.size === 0) topics.delete(name)
      }
    },
    list: async (topic) => [...(topics.get(topic) ?? [])],
  }
}

/** Runs one statement; `rows` are objects by column. */
export type SqlExecutor = (
  sql: string,
  parameters: readonly string[],
) => Promise<{ readonly rows: readonly unknown[] }>

export interface SqlRegistryOptions {
  /** Letters, digits and `_`; `socket_connections` when absent. */
  readonly table?: string
  /** How the database writes parameters: `?` (SQLite, when absent) or `$1` (PostgreSQL). */
  readonly parameters?: '?' | '$1'
}

/** The table that `sqlRegistry` needs, for a migration. */
export function registryTable(table = 'socket_connections'): string {
  return `create table if not exists ${table} (topic text not null, connection_id text not null, primary key (topic, connection_id))`
}

/** A registry in the application's database, in the table that `registryTable` makes. */
export function sqlRegistry(execute: SqlExecutor, options: SqlRegistryOptions = {}): ConnectionRegistry {
  const { table = 'socket_connections', parameters = '?' } = options
  if (!/^\w+$/.test(table)) throw new TypeError(`sqlRegistry: ${table} is no name of a table`)
  const [first, second] = parameters === '?' ? ['?', '?'] : ['$1', '$2']
  return {
    async add(topic, connectionId) {
      const sql = `insert into ${table} (topic, connection_id) values (${first}, ${second}) on conflict do nothing`
      await execute(sql, [topic, connectionId])
    },
    async remove(topic, connectionId) {
      const sql = `delete from ${table} where connection_id = ${first}`
      if (topic === null) await execute(sql, [connectionId])
      else await execute(`${sql} and topic = ${second}`, [connectionId, topic])
    },
    async list(topic) {
      const sql = `select connection_id from ${table} where topic = ${first} order by connection_id`
      const { rows } = await execute(sql, [topic])
      return rows.map((row) => (row as { connection_id: string }).connection_id)
    },
  }
}
