import { nodeListener, serve } from '@thaw/lambda'
import { app } from '../apps/express.ts'

export const handler = serve(nodeListener(app))
