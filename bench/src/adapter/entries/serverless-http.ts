import serverlessHttp from 'serverless-http'
import { app } from '../apps/express.ts'

export const handler = serverlessHttp(app)
