import { test } from 'vitest'
import { roundTrip } from './large.ts'

// Beyond 1 GiB, where the page lies that SQLite never writes.
test.skipIf(process.platform !== 'linux').each([512, 65_536, 4096])(
  'a database of 1.1 GB, pages of %i bytes, in 256 MB of memory',
  (pageSize) => roundTrip({ bytes: 1_100_000_000, pageSize, limitBytes: 256 * 1024 ** 2 }),
  900_000,
)
