import { S3Error } from './errors.ts'

/** First and last byte, both inclusive. */
export interface Range {
  readonly first: number
  readonly last: number
}

/**
 * The range that a header asks for of `size` bytes; null for all of them, also where it makes no sense, as RFC 9110
 * wants it. Throws `S3Error` where there are no such bytes.
 */
export function readRange(text: string | null, size: number): Range | null {
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(text ?? '') ?? []
  if (from === '' && to === '') return null
  if (from !== '' && to !== '' && Number(from) > Number(to)) return null
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from)
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1)
  if (first < size && !(from === '' && Number(to) === 0)) return { first, last }
  throw new S3Error(416, 'InvalidRange', 'The requested range is not satisfiable', {
    'content-range': `bytes */${size}`,
  })
}
