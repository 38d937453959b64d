import { serve } from '@thaw/lambda'
import { app } from '../apps/hono.ts'

export const handler = serve(app)
