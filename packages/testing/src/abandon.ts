import { startPostgres, startS3Server } from './index.ts'

// A process that starts the servers and then waits to be killed.

const [postgres, s3] = await Promise.all([startPostgres(), startS3Server()])
process.send?.([postgres.url, s3.endpoint])
setInterval(() => {}, 1000)
