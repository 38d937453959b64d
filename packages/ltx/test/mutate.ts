import { HEADER, HEADER_SIZE, PAGE_HAS_SIZE, PAGE_HEADER_SIZE, TRAILER_SIZE } from '../src/format.ts'

/** A whole number from 0 to below `n`. */
export type Below = (n: number) => number

const FIELDS = Object.values(HEADER)
const EDGES = [
  0, 1, 2, 0x7f, 0x80, 0xff, 0x1ff, 512, 0xffff, 0x10000, 0x40000001, 0x7fffffff, 0xfffffffe, 0xffffffff,
]

/**
 * A copy of a file with something wrong, often in a place that means something.
 * @param file a sound one
 * @param other another one
 */
export function mutate(file: Uint8Array, other: Uint8Array, below: Below): Uint8Array {
  const once = below(3) === 0 ? structured(file, below) : anywhere(file, other, below)
  return below(6) === 0 && once.length > 0 ? anywhere(once, other, below) : once
}

function anywhere(bytes: Uint8Array, other: Uint8Array, below: Below): Uint8Array {
  const at = below(bytes.length)
  const length = 1 + below(below(4) === 0 ? 200 : 8)
  const left = bytes.subarray(0, at)
  const right = bytes.subarray(at)
  const copy = bytes.slice()
  switch (below(8)) {
    case 0: // one bit
      copy[at] = (bytes[at] as number) ^ (1 << below(8))
      return copy
    case 1: // one byte, often an edge value
      copy[at] = [0, 1, 127, 128, 254, 255, below(256)][below(7)] as number
      return copy
    case 2: // noise
      for (let i = at; i < Math.min(at + length, copy.length); i++) copy[i] = below(256)
      return copy
    case 3: // something missing
      return Buffer.concat([left, right.subarray(length)])
    case 4: // something inserted
      return Buffer.concat([left, Uint8Array.from({ length }, () => below(256)), right])
    case 5: // something twice
      return Buffer.concat([left, right.subarray(0, length), right])
    case 6: // the end of another file
      return Buffer.concat([left, other.subarray(Math.min(at, other.length))])
    default: // a 32-bit number
      if (at + 4 <= copy.length) view(copy).setUint32(at, below(2) === 0 ? below(600) : below(2 ** 32))
      return copy
  }
}

/** Where the pages of a file begin, and where the last one ends, as far as their sizes tell. */
function framesOf(file: Uint8Array): number[] {
  const starts = [HEADER_SIZE]
  for (let at = HEADER_SIZE; at + PAGE_HEADER_SIZE + 4 < file.length; ) {
    const number = view(file).getUint32(at)
    const flags = view(file).getUint16(at + 4)
    if (number === 0 || (flags & PAGE_HAS_SIZE) === 0) break
    at += PAGE_HEADER_SIZE + 4 + view(file).getUint32(at + PAGE_HEADER_SIZE)
    starts.push(at)
  }
  return starts
}

function structured(file: Uint8Array, below: Below): Uint8Array {
  const copy = file.slice()
  const frames = framesOf(file)
  const which = below(Math.max(1, frames.length - 1))
  const start = frames[which] ?? HEADER_SIZE
  const end = frames[which + 1] ?? start + PAGE_HEADER_SIZE
  const frame = file.subarray(start, end)
  const last = frames.at(-1) ?? HEADER_SIZE
  switch (below(7)) {
    case 0: // a field of the header
      return setNumber(copy, FIELDS[below(FIELDS.length)] as number, below)
    case 1: // the number, the flags or the size of a page
      return setNumber(copy, start + ([0, 2, 4, PAGE_HEADER_SIZE][below(4)] as number), below)
    case 2: // the first tokens of a compressed page, or its last ones
      copy[below(2) === 0 ? start + PAGE_HEADER_SIZE + 4 + below(6) : Math.max(start, end - 1 - below(8))] =
        below(256)
      return copy
    case 3: // the index
      copy[
        last + PAGE_HEADER_SIZE + below(Math.max(1, file.length - TRAILER_SIZE - last - PAGE_HEADER_SIZE))
      ] = below(2) === 0 ? below(256) : 0x80 | below(128)
      return copy
    case 4: // the length of the index, or the trailer
      return setNumber(copy, file.length - TRAILER_SIZE - 8 + 4 * below(6), below)
    case 5: // a page less
      return Buffer.concat([file.subarray(0, start), file.subarray(end)])
    default: // a page twice, or in another place
      return Buffer.concat([file.subarray(0, end), frame, file.subarray(below(2) === 0 ? end : last)])
  }
}

function setNumber(bytes: Uint8Array, at: number, below: Below): Uint8Array {
  if (at + 4 > bytes.length) return bytes
  const is = view(bytes).getUint32(at)
  const near = [is + 1, is - 1, is * 2, is >>> 1, is ^ (1 << below(32))]
  const number = below(2) === 0 ? EDGES[below(EDGES.length)] : near[below(near.length)]
  view(bytes).setUint32(at, (number as number) >>> 0)
  return bytes
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
