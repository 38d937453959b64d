import { expect, test } from 'vitest'
import { type DecodedLtx, decodeLtx, encodeLtx, LtxError, lockPage } from '../src/index.ts'
import { type Below, mutate } from './mutate.ts'
import { decodeStream, random, somePages } from './support.ts'

/** Another seed: THAW_SEED=5 vitest run packages/ltx */
const seed = Number(process.env.THAW_SEED ?? 20261120)
/** More of them: THAW_MUTATIONS=1000000 */
const ROUNDS = Number(process.env.THAW_MUTATIONS ?? 6_000)
/** A file says how large it is; what it makes a decoder ask for has to stay within reason all the same. */
const MEMORY = 700 * 1024 * 1024

function decodeOrError(bytes: Uint8Array): DecodedLtx | LtxError {
  try {
    return decodeLtx(bytes)
  } catch (error) {
    if (error instanceof LtxError) return error
    throw error
  }
}

async function streamOrError(bytes: Uint8Array, below: Below): Promise<DecodedLtx | LtxError> {
  try {
    return await decodeStream(bytes, () => 1 + below(400))
  } catch (error) {
    if (error instanceof LtxError) return error
    throw error
  }
}

function originals(below: Below): Uint8Array[] {
  const pages = somePages(4, 512, below)
  const header = { pageSize: 512, commit: 4, minTxid: 1, maxTxid: 9, timestamp: 1700000000000, nodeId: 77n }
  return [
    encodeLtx(header, pages).bytes,
    encodeLtx(header, pages, { compression: 'frame' }).bytes,
    encodeLtx({ ...header, minTxid: 9, commit: 6 }, pages.slice(1)).bytes,
    encodeLtx({ ...header, minTxid: 9, commit: 6 }, pages.slice(2), { compression: 'frame' }).bytes,
  ]
}

test(`a mutated file is refused, or means the same (seed ${seed})`, { timeout: 3_600_000 }, async () => {
  const below = random(seed)
  const files = originals(below)
  const meanings = files.map((file) => decodeLtx(file))
  const codes = new Set<string>()
  for (let round = 0; round < ROUNDS; round++) {
    const original = files[round % files.length] as Uint8Array
    const mutant = mutate(original, files[below(files.length)] as Uint8Array, below)
    const result = decodeOrError(mutant)
    const where = `seed ${seed}, round ${round}`
    if (result instanceof LtxError) {
      codes.add(result.code)
      expect(result.offset, where).toBeTypeOf('number')
      expect(result.offset, where).toBeLessThanOrEqual(mutant.length)
    } else {
      expect(meanings, where).toContainEqual(result)
    }
    const streamed = await streamOrError(mutant, below)
    if (result instanceof LtxError)
      expect(streamed, where).toMatchObject({ code: result.code, offset: result.offset })
    else expect(streamed, where).toEqual(result)
  }
  expect(process.memoryUsage.rss()).toBeLessThan(MEMORY)
  expect([...codes].sort()).toEqual([
    'LTX_CHECKSUM',
    'LTX_COMPRESSION',
    'LTX_HEADER',
    'LTX_INDEX',
    'LTX_MAGIC',
    'LTX_PAGE',
    'LTX_TRAILER',
    'LTX_TRAILING',
    'LTX_TRUNCATED',
  ])
})

test(`with its checksum made right again, a mutated file is refused or keeps every rule (seed ${seed})`, {
  timeout: 3_600_000,
}, () => {
  const below = random(seed + 1)
  const files = originals(below)
  let accepted = 0
  for (let round = 0; round < ROUNDS; round++) {
    const original = files[round % files.length] as Uint8Array
    const mutant = mutate(original, original, below)
    const refused = decodeOrError(mutant)
    const actual =
      refused instanceof LtxError ? /content has checksum ([0-9a-f]{16})/.exec(refused.message) : null
    if (!(refused instanceof LtxError) || refused.offset === null || actual === null) continue
    const sealed = Buffer.from(mutant)
    sealed.writeBigUInt64BE(BigInt(`0x${actual[1]}`), refused.offset)
    const result = decodeOrError(sealed)
    if (result instanceof LtxError) {
      expect(result.code).toBe('LTX_TRAILING')
      continue
    }
    const { header, pages } = result
    accepted++
    const where = `seed ${seed}, round ${round}`
    let last = 0
    for (const { number, data } of pages) {
      expect(number, where).toBeGreaterThan(last)
      expect(number, where).toBeLessThanOrEqual(header.commit)
      expect(number, where).not.toBe(lockPage(header.pageSize))
      expect(data.length, where).toBe(header.pageSize)
      last = number
    }
    if (header.minTxid === 1) expect(pages.length, where).toBe(header.commit)
    expect(decodeLtx(encodeLtx(header, pages).bytes), where).toMatchObject({ pages })
  }
  expect(process.memoryUsage.rss()).toBeLessThan(MEMORY)
  expect(accepted).toBeGreaterThan(ROUNDS / 20)
})
