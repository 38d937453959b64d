import { connect } from '@thaw/db'
import { createConnections, sqlRegistry } from '@thaw/lambda'
import { CompiledQuery } from 'kysely'

export interface Schema {
  entries: { id: string; text: string; greeting: string | null }
  census: { key: string; due_at: string | null; entries: number }
}

/** `DATABASE_URL` decides which engine. */
export const db = connect<Schema>()

/** Of the WebSocket API, whoever asks: they are in the database. */
export const connections = createConnections({
  registry: sqlRegistry((sql, parameters) => db.executeQuery(CompiledQuery.raw(sql, [...parameters]))),
})
