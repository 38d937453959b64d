import { test } from 'vitest'
import { roundTrip } from './large.ts'

// Beyond 1 GiB, where the page lies that SQLite never writes; and other sizes of pages.
test.skipIf(process.platform !== 'linux').each([
  [1_100_000_000, 4096],
  [300_000_000, 512],
  [300_000_000, 65_536],
])(
  'a database of %i bytes in pages of %i has the same rows after every way through the bucket, in 256 MB of memory',
  (bytes, pageSize) => roundTrip({ bytes, pageSize }),
  900_000,
)
