import { crc32 } from 'node:zlib'

/**
 * One message of `application/vnd.amazon.eventstream`: lengths, their checksum, headers, payload, checksum of all.
 * Headers are text.
 *
 * Source: "Amazon Event Stream Specification" of the Smithy documentation.
 */
export function encodeEvent(headers: Readonly<Record<string, string>>, payload: Uint8Array): Buffer {
  const head = Buffer.concat(Object.entries(headers).map(([name, value]) => encodeHeader(name, value)))
  const length = overhead + head.length + payload.length
  const message = Buffer.alloc(length)
  message.writeUInt32BE(length, 0)
  message.writeUInt32BE(head.length, 4)
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8)
  head.copy(message, 12)
  message.set(payload, 12 + head.length)
  message.writeUInt32BE(crc32(message.subarray(0, length - 4)), length - 4)
  return message
}

/** Two lengths and two checksums. */
const overhead = 16

/** Type 7 of a header's value: text of up to 32 KB. */
const textType = 7

function encodeHeader(name: string, value: string): Buffer {
  const nameBytes = Buffer.from(name)
  const valueBytes = Buffer.from(value)
  const lengths = Buffer.alloc(2)
  lengths.writeUInt16BE(valueBytes.length)
  return Buffer.concat([
    Uint8Array.of(nameBytes.length),
    nameBytes,
    Uint8Array.of(textType),
    lengths,
    valueBytes,
  ])
}
