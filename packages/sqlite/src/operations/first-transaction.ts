import { encodeLtxStream, LtxError, type LtxHeaderInput, type LtxPage, readLtxHeader } from '@thaw/ltx'
import { StoreError } from '@thaw/store'
import { linkKey } from '../chain.ts'
import type { Clock } from '../clock.ts'
import { CommitUnknownError, OperationError } from '../errors.ts'
import { listAll } from '../files.ts'
import type { Source } from '../ltx-file.ts'
import { insideFence } from '../publish.ts'

const ATTEMPTS = 4
const FIRST_PAUSE_MS = 250
const HEADER_BYTES = 100
const FENCE_WINDOW_MS = 5 * 60_000

export interface FirstTransaction {
  /** Its `nodeId` is of this call alone: by it the object is known again. */
  readonly header: LtxHeaderInput & { readonly nodeId: bigint; readonly timestamp: number }
  /** All pages, anew at each call. */
  readonly pages: () => Iterable<LtxPage>
}

/**
 * Puts the first transaction of a database into the bucket, as a stream, and finds out what became of it. As for any
 * transaction, an outcome is only ever concluded from "created" or from the object that lies under the name.
 *
 * @throws OperationError `DATABASE_EXISTS` when another one is there, or was; StoreError: nothing was written;
 *   CommitUnknownError
 */
export async function putFirstTransaction(
  target: Source,
  { header, pages }: FirstTransaction,
  clock: Clock,
): Promise<void> {
  const { store, description } = target
  let unknown: StoreError | null = null
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    if (attempt > 1) await clock.sleep(FIRST_PAUSE_MS * 2 ** (attempt - 2))
    try {
      const { outcome } = await store.put(linkKey(1), encodeLtxStream(header, pages()), {
        ifAbsent: true,
        timestamp: header.timestamp,
        signedAt: () => provenEmpty(target, clock),
      })
      if (outcome === 'stored') return
      if (outcome === 'exists') {
        // Without an attempt of unknown fate it cannot be ours.
        if (unknown && (await isOurs(target, header.nodeId)) === true) return
        throw exists(target)
      }
      // 'busy': two conditional requests met; again
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      if (!error.unknown) {
        if (unknown) break
        throw error
      }
      unknown = error
      const ours = await isOurs(target, header.nodeId).catch(() => null)
      if (ours === true) return
      if (ours === false) throw exists(target)
    }
  }
  if (unknown) {
    throw new CommitUnknownError(
      `${description} did not say whether it took the database. It is there whole or not at all: look at its status, ` +
        'and repeat this when it is empty',
      unknown,
    )
  }
  const message = `it answered ${ATTEMPTS} times that another creates the database`
  throw new StoreError('STORE_UNAVAILABLE', message, {
    operation: 'put',
    store: description,
    key: linkKey(1),
  })
}

/**
 * The instant to sign a request with that creates the first transaction: asked for before each, because the upload
 * before it may have taken longer than the fence allows.
 */
async function provenEmpty(target: Source, clock: Clock): Promise<number> {
  for (;;) {
    const verifiedAt = clock.now()
    const files = await listAll(target.store)
    // Where the first transaction is, the condition judges; that it is gone but had successors nobody else notices.
    if (files.length > 0 && !files.some(({ key }) => key === linkKey(1))) throw exists(target)
    const now = clock.now()
    if (insideFence(now, verifiedAt, FENCE_WINDOW_MS)) return now
  }
}

/** Whether what is there is what this call has put; null when nothing is. */
async function isOurs({ store }: Source, nodeId: bigint): Promise<boolean | null> {
  const object = await store.get(linkKey(1), { range: { start: 0, end: HEADER_BYTES } })
  try {
    return object && readLtxHeader(object.body).nodeId === nodeId
  } catch (error) {
    if (error instanceof LtxError) return false
    throw error
  }
}

/** @throws OperationError `DATABASE_EXISTS` when there is a file of any level */
export async function refuseExisting(target: Source): Promise<void> {
  if ((await listAll(target.store)).length > 0) throw exists(target)
}

function exists({ description }: Source): OperationError {
  return new OperationError(
    'DATABASE_EXISTS',
    `${description} holds a database, which is never overwritten: name another prefix, or delete that one first`,
  )
}
