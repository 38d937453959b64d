import { test } from 'vitest'
import { roundTrip } from './large.ts'

test.skipIf(process.platform !== 'linux')(
  'a database of 128 MB has the same rows after every way through the bucket, in bounded memory',
  () => roundTrip({ bytes: 128_000_000, pageSize: 4096, limitBytes: 240_000_000 }),
  180_000,
)
