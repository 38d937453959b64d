import { test } from 'vitest'
import { roundTrip } from './large.ts'

const MEGABYTE = 1024 ** 2

// Beyond 1 GiB, where the page lies that SQLite never writes; and other sizes of pages. With the smallest pages a
// snapshot or a fork takes more (320 MB were seen), for there are eight times as many of them.
test.skipIf(process.platform !== 'linux').each([
  [1_100_000_000, 4096, 256],
  [300_000_000, 512, 384],
  [300_000_000, 65_536, 256],
])(
  'a database of %i bytes in pages of %i has the same rows after every way through the bucket, in %i MB of memory',
  (bytes, pageSize, limit) => roundTrip({ bytes, pageSize, limitBytes: limit * MEGABYTE }),
  900_000,
)
