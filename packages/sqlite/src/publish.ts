import { type ObjectStore, probeConditionalPut, StoreError } from '@thaw/store'
import type { Chain, ChainLink, EncodedLink } from './chain.ts'
import type { Clock } from './clock.ts'
import { CommitUnknownError, ConflictError } from './errors.ts'
import { PROBE_KEY } from './probe-key.ts'

/**
 * Puts one transaction into the bucket and finds out what became of it. The conditional PUT is the commit point; an
 * outcome is only ever concluded from "created" or from the object that lies under the name.
 */

const FIRST_RETRY_MS = 20
const LONGEST_RETRY_MS = 1_000
/** How often a connection may fail to come about before that is the answer. */
const UNREACHED_ATTEMPTS = 3

export type Publication =
  /** It is in the bucket, and was the head at `provenAt` (wall clock, ms) or later. */
  | { readonly outcome: 'settled'; readonly provenAt: number }
  /** Another transaction has this number. */
  | { readonly outcome: 'lost'; readonly winner: ChainLink }
  /** The fence forbids to ask the bucket for this number before the head has been proven anew. */
  | { readonly outcome: 'stale' }

export interface PublishOptions {
  readonly store: ObjectStore
  readonly chain: Chain
  readonly clock: Clock
  readonly description: string
  /** When the position below was last proven to be the head: wall clock, ms, before the request was sent. */
  readonly verifiedAt: number
  /** For how long after `verifiedAt` a PUT may be sent, ms. */
  readonly fenceWindowMs: number
  /** When to give up, wall clock, ms. */
  readonly deadline: number
}

/** The rule that keeps a frozen environment from writing into a past whose names have become free again. */
export function insideFence(now: number, verifiedAt: number, fenceWindowMs: number): boolean {
  const age = now - verifiedAt
  return age >= 0 && age <= fenceWindowMs
}

/**
 * @throws StoreError when the store refused the first attempt: nothing was written
 * @throws ConflictError when the bucket answered "busy" until the deadline: nothing was written
 * @throws CommitUnknownError when the deadline passed, or the fence closed, while an attempt's fate was unknown
 */
export async function publish(link: EncodedLink, options: PublishOptions): Promise<Publication> {
  const { store, chain, clock, deadline } = options
  /** When the first attempt whose fate is unknown was sent; from then on a refusal no longer means "failed". */
  let unknownSince: number | null = null
  let lastFailure: unknown = null
  let unreached = 0

  // A store that ignores the condition would let two writers both create the database.
  if (link.txid === 1) await probeConditionalPut(store, PROBE_KEY)
  for (let pause = FIRST_RETRY_MS; ; pause = Math.min(pause * 2, LONGEST_RETRY_MS)) {
    // One reading of the clock an attempt: it is judged by the fence and it is what the request is signed with.
    const now = clock.now()
    if (!insideFence(now, options.verifiedAt, options.fenceWindowMs)) {
      if (unknownSince === null) return { outcome: 'stale' }
      const found = await lookUp(chain, link)
      if (found) return judge(found, link, unknownSince)
      throw unknownOutcome(link, options, lastFailure)
    }
    try {
      const result = await store.put(link.key, link.bytes, {
        ifAbsent: true,
        timestamp: link.timestamp,
        signedAt: now,
      })
      if (result.outcome === 'stored') return { outcome: 'settled', provenAt: now }
      if (result.outcome === 'exists') {
        const found = await chain.fetch(link.txid)
        if (found) return judge(found, link, unknownSince ?? now)
        // Deleted since: retention only does that to what is long compacted, so the head is far ahead.
        if (unknownSince === null) return { outcome: 'stale' }
        throw unknownOutcome(link, options, lastFailure)
      }
      // 'busy': two conditional requests met; ask again
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      const neverSent = error.code === 'STORE_UNREACHABLE' && ++unreached < UNREACHED_ATTEMPTS
      if (unknownSince === null && !error.unknown && !neverSent) throw error
      if (error.unknown) unknownSince ??= now
      lastFailure = error
    }
    if (clock.now() + pause > deadline) {
      if (unknownSince === null) {
        if (lastFailure !== null) throw lastFailure // it never came as far as the bucket
        throw new ConflictError(
          `${options.description}: the bucket kept answering that another request for ${link.key} is under way`,
        )
      }
      const found = await lookUp(chain, link)
      if (found) return judge(found, link, unknownSince)
      throw unknownOutcome(link, options, lastFailure)
    }
    await clock.sleep(pause)
  }
}

function judge(found: ChainLink, link: EncodedLink, sentAt: number): Publication {
  const ours = found.writerId === link.writerId && found.checksum === link.checksum
  return ours ? { outcome: 'settled', provenAt: sentAt } : { outcome: 'lost', winner: found }
}

/** What lies under the name, if the bucket can still tell. */
async function lookUp(chain: Chain, link: EncodedLink): Promise<ChainLink | null> {
  try {
    return await chain.fetch(link.txid)
  } catch {
    return null // unknown stays unknown, and is reported as that
  }
}

function unknownOutcome(link: EncodedLink, options: PublishOptions, cause: unknown): CommitUnknownError {
  return new CommitUnknownError(
    `${options.description} did not say in time whether it took transaction ${link.key}. It was applied once or ` +
      'not at all. Repeat it with atomic(fn, { key }) and the same key, which applies it once in either case',
    cause,
  )
}
