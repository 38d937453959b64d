import { test } from 'vitest'
import { roundTrip } from './large.ts'

// What it takes of memory shows with larger ones: large.proof.ts.
test.skipIf(process.platform !== 'linux').each([512, 65_536])(
  'a database of 32 MB in pages of %i bytes has the same rows after every way through the bucket',
  (pageSize) => roundTrip({ bytes: 32_000_000, pageSize }),
  180_000,
)
