/**
 * CRC-64/GO-ISO: x^64 + x^4 + x^3 + x + 1, reflected (0xD800000000000000), register and output inverted.
 *
 * The polynomial has so few terms that no table is needed. In the reflected register, bit 63 - k stands for
 * x^k, so multiplying by x^k is a shift to the right, and x^64 ≡ 1 + x + x^3 + x^4. Taking in 64 bits at once
 * is therefore W · x^64 ≡ W ^ W>>1 ^ W>>3 ^ W>>4, where the (at most four) bits shifted out at the bottom
 * are multiplied by the same four terms once more and come in at the top. Over two 32-bit halves:
 *
 *     spread(x) = x ^ x>>>1 ^ x>>>3 ^ x>>>4        the part that stays in a half
 *     carry(x)  = x<<31 ^ x<<29 ^ x<<28            the part that a half hands to the one below
 *     high' = spread(high ^ carry(low))            low' = spread(low) ^ carry(high)
 */
export class Crc64 {
  #high = -1
  #low = -1

  /** Takes in `bytes[start, end)`. */
  update(bytes: Uint8Array, start = 0, end = bytes.length): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    let high = this.#high
    let low = this.#low
    let at = start
    for (const last = end - 8; at <= last; at += 8) {
      low ^= view.getInt32(at, true)
      high ^= view.getInt32(at + 4, true)
      const mixed = high ^ (low << 31) ^ (low << 29) ^ (low << 28)
      low = low ^ (low >>> 1) ^ (low >>> 3) ^ (low >>> 4) ^ (high << 31) ^ (high << 29) ^ (high << 28)
      high = mixed ^ (mixed >>> 1) ^ (mixed >>> 3) ^ (mixed >>> 4)
    }
    for (; at < end; at++) {
      const top = (low ^ view.getUint8(at)) << 24
      low = (low >>> 8) | (high << 24)
      high = (high >>> 8) ^ top ^ (top >>> 1) ^ (top >>> 3) ^ (top >>> 4)
    }
    this.#high = high
    this.#low = low
  }

  /** The checksum of everything taken in so far; more may follow. */
  digest(): bigint {
    return (BigInt(~this.#high >>> 0) << 32n) | BigInt(~this.#low >>> 0)
  }
}
