import { decodeLtx, linkOf, noteOf } from '@thaw/ltx'
import type { ObjectStore } from '@thaw/store'

/**
 * For how long (ms) the transactions of a chain that ask others to wait do so, in their order.
 * @throws when two transactions are not linked
 */
export async function reservations(store: ObjectStore): Promise<number[]> {
  const asked: number[] = []
  let previous: bigint | null = null
  for await (const { key } of store.list('0000/')) {
    const { header, checksum } = decodeLtx((await store.get(key))?.body ?? new Uint8Array())
    if (previous !== null && linkOf(header) !== previous)
      throw new Error(`${key} follows another transaction`)
    previous = checksum
    if (noteOf(header) > 0) asked.push(noteOf(header))
  }
  return asked
}
