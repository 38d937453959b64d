/**
 * Raw LZ4 blocks, without size or checksum around them.
 * Format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
 *
 * A block is a row of sequences: a token (literal count in the high four bits, match length - 4 in the low
 * ones, 15 meaning that more length bytes follow), the literals, and the distance back to the match, two
 * bytes little-endian. The last sequence has literals only.
 */

/** A match never begins within the last 12 bytes of the input, and the last 5 bytes are literals. */
const MATCH_MARGIN = 12
const TAIL_LITERALS = 5
const MIN_MATCH = 4
/** From this many bytes on, the built-in copies are faster than a loop. */
const LONG = 64
const MAX_INPUT = 65536

const HASH_BITS = 12
/**
 * Last position of each hash. Shared by all calls: a call never gives up control. 16 bits hold every
 * position of the largest input, and a stale or empty entry is harmless because candidates are compared.
 */
let positions: Uint16Array | null = null

/** The most bytes that a block of `length` uncompressed bytes can take. */
export function lz4Bound(length: number): number {
  return length + Math.floor(length / 255) + 16
}

/**
 * Compresses `input`, at most 65536 bytes, into `output` from `start` on, where `lz4Bound(input.length)`
 * bytes must be free. Returns the end of the block in `output`. The same input gives the same block.
 */
export function compressBlock(input: Uint8Array, output: Uint8Array, start: number): number {
  const length = input.length
  if (length > MAX_INPUT) throw new RangeError(`an LZ4 block takes at most ${MAX_INPUT} bytes, not ${length}`)
  if (output.length - start < lz4Bound(length)) throw new RangeError('too little room for the LZ4 block')
  positions ??= new Uint16Array(1 << HASH_BITS)
  positions.fill(0)
  const table = positions
  const view = new DataView(input.buffer, input.byteOffset, length)
  const target = new DataView(output.buffer, output.byteOffset, output.length)
  const lastStart = length - MATCH_MARGIN
  const lastEnd = length - TAIL_LITERALS
  let out = start
  let anchor = 0 // where the literals of the next sequence begin
  let at = 1
  let misses = 64
  while (at <= lastStart) {
    const word = view.getInt32(at, true)
    const hash = Math.imul(word, -1640531535) >>> (32 - HASH_BITS)
    let match = table[hash] as number
    table[hash] = at
    if (match >= at || view.getInt32(match, true) !== word) {
      at += misses++ >> 6 // data that does not compress is skimmed
      continue
    }
    misses = 64
    while (at > anchor && match > 0 && input[at - 1] === input[match - 1]) {
      at--
      match--
    }
    let end = at + MIN_MATCH
    let twin = match + MIN_MATCH
    let differing = 0
    while (end <= lastEnd - 4) {
      differing = view.getInt32(end, true) ^ view.getInt32(twin, true)
      if (differing !== 0) break
      end += 4
      twin += 4
    }
    if (differing !== 0) {
      end += (31 - Math.clz32(differing & -differing)) >> 3 // the equal bytes below the first differing one
    } else {
      while (end < lastEnd && input[end] === input[twin++]) end++
    }
    const more = end - at - MIN_MATCH
    const count = at - anchor
    target.setUint8(out++, (Math.min(count, 15) << 4) | Math.min(more, 15))
    if (count >= 15) out = writeLength(output, out, count - 15)
    if (count > LONG) {
      output.set(input.subarray(anchor, at), out)
    } else {
      // Four at a time: a match follows, so that both sides have room for the up to three bytes too many.
      for (let from = anchor, to = out; from < at; from += 4, to += 4) {
        target.setInt32(to, view.getInt32(from, true), true)
      }
    }
    out += count
    target.setUint16(out, at - match, true)
    out += 2
    if (more >= 15) out = writeLength(output, out, more - 15)
    // Remembering one position inside the match finds the repeats that begin before its end.
    if (end <= lastStart) {
      table[Math.imul(view.getInt32(end - 2, true), -1640531535) >>> (32 - HASH_BITS)] = end - 2
    }
    anchor = end
    at = end
  }
  return writeLastLiterals(input, anchor, output, out)
}

/** Writes `input` from `from` to its end, with its token. Returns the new end. */
function writeLastLiterals(input: Uint8Array, from: number, output: Uint8Array, out: number): number {
  const count = input.length - from
  output[out++] = Math.min(count, 15) << 4
  if (count >= 15) out = writeLength(output, out, count - 15)
  output.set(from === 0 ? input : input.subarray(from), out)
  return out + count
}

function writeLength(output: Uint8Array, out: number, rest: number): number {
  for (; rest >= 255; rest -= 255) output[out++] = 255
  output[out++] = rest
  return out
}

/**
 * Decompresses a block into `output` from `start` on; matches may reach back to the beginning of `output`.
 * Returns the end of the data in `output`, or, where the block is malformed or does not fit into `output`,
 * a negative number: -1 - the offset in `block`. Reads and writes nothing outside the two arrays.
 */
export function decompressBlock(block: Uint8Array, output: Uint8Array, start: number): number {
  const source = new DataView(block.buffer, block.byteOffset, block.length)
  const target = new DataView(output.buffer, output.byteOffset, output.length)
  const blockEnd = block.length
  const limit = output.length
  let at = 0
  let out = start
  while (at < blockEnd) {
    const sequence = at
    const token = source.getUint8(at++)
    let count = token >> 4
    if (count === 15) {
      let byte = 255
      while (byte === 255) {
        if (at >= blockEnd) return -1 - at
        byte = source.getUint8(at++)
        count += byte
      }
    }
    const literalEnd = at + count
    let outEnd = out + count
    if (literalEnd > blockEnd || outEnd > limit) return -1 - sequence
    if (count > LONG) {
      output.set(block.subarray(at, literalEnd), out)
    } else if (literalEnd + 3 <= blockEnd && outEnd + 3 <= limit) {
      // Four at a time; the up to three bytes too many are written over by what follows.
      for (; out < outEnd; out += 4, at += 4) target.setInt32(out, source.getInt32(at, true), true)
    } else {
      while (out < outEnd) target.setUint8(out++, source.getUint8(at++))
    }
    at = literalEnd
    out = outEnd
    if (at === blockEnd) return (token & 15) === 0 ? out : -1 - sequence

    if (blockEnd - at < 2) return -1 - at
    const distance = source.getUint16(at, true)
    let from = out - distance
    if (distance === 0 || from < 0) return -1 - at
    at += 2
    let size = (token & 15) + MIN_MATCH
    if (size === 15 + MIN_MATCH) {
      let byte = 255
      while (byte === 255) {
        if (at >= blockEnd) return -1 - at
        byte = source.getUint8(at++)
        size += byte
      }
    }
    outEnd = out + size
    if (outEnd > limit) return -1 - sequence
    if (size > LONG && distance === 1) {
      output.fill(target.getUint8(from), out, outEnd)
    } else if (size > LONG && distance >= size) {
      output.copyWithin(out, from, from + size)
    } else if (distance >= 4 && outEnd + 3 <= limit) {
      for (; out < outEnd; out += 4, from += 4) target.setInt32(out, target.getInt32(from, true), true)
    } else {
      // A match may overlap what it writes.
      while (out < outEnd) target.setUint8(out++, target.getUint8(from++))
    }
    out = outEnd
  }
  return -1 - blockEnd
}
