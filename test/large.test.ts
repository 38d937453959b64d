import { test } from 'vitest'
import { roundTrip } from './large.ts'

test.skipIf(process.platform !== 'linux').each([512, 4096, 65_536])(
  'a database of 40 MB, pages of %i bytes: the same rows after every way through the bucket, in bounded memory',
  (pageSize) => roundTrip({ bytes: 40_000_000, pageSize, limitBytes: 200_000_000 }),
  120_000,
)
