import { connect } from '@thaw/db'
import { serve } from '@thaw/lambda'
import { createApp } from './app.ts'
import type { Schema } from './schema.ts'

const db = connect<Schema>()

export const handler = serve(createApp(db, Date), { with: [db] })
