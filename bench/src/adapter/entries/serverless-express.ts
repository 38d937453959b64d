import { configure } from '@codegenie/serverless-express'
import { app } from '../apps/express.ts'

export const handler = configure({ app })
