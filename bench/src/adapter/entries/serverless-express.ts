import serverlessExpress from '@codegenie/serverless-express'
import { app } from '../apps/express.ts'

// As its types have it, which know no module whose whole is its default.
export const handler = serverlessExpress.default({ app })
