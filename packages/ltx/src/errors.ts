/**
 * What went wrong.
 *
 * - `LTX_INPUT`: the caller's mistake: something that no LTX file may hold, or a decoder used out of turn.
 * - `LTX_MAGIC`: the bytes are no LTX file.
 * - `LTX_HEADER`: a header field breaks a rule of the format, or is beyond what Thaw can represent.
 * - `LTX_PAGE`: a page frame breaks a rule: its number, its flags, its size, or a page is missing.
 * - `LTX_COMPRESSION`: the LZ4 data of a page does not give a page.
 * - `LTX_INDEX`: the page index disagrees with the page frames.
 * - `LTX_TRAILER`: the trailer breaks a rule.
 * - `LTX_CHECKSUM`: a checksum does not match the content.
 * - `LTX_TRUNCATED`: the file ends too early.
 * - `LTX_TRAILING`: bytes follow the trailer.
 */
export type LtxErrorCode =
  | 'LTX_INPUT'
  | 'LTX_MAGIC'
  | 'LTX_HEADER'
  | 'LTX_PAGE'
  | 'LTX_COMPRESSION'
  | 'LTX_INDEX'
  | 'LTX_TRAILER'
  | 'LTX_CHECKSUM'
  | 'LTX_TRUNCATED'
  | 'LTX_TRAILING'

/** Every error of this package. */
export class LtxError extends Error {
  override readonly name = 'LtxError'
  readonly code: LtxErrorCode
  /** Where in the file, in bytes from its start; null for `LTX_INPUT`. */
  readonly offset: number | null

  constructor(code: LtxErrorCode, message: string, offset: number | null) {
    super(message)
    this.code = code
    this.offset = offset
  }
}

/** The error for something that the caller handed in. */
export function inputError(message: string): LtxError {
  return new LtxError('LTX_INPUT', `Cannot write LTX: ${message}`, null)
}

/** The error for a file that cannot be trusted. `offset` in bytes from the start of the file. */
export function fileError(
  code: Exclude<LtxErrorCode, 'LTX_INPUT'>,
  message: string,
  offset: number,
): LtxError {
  const advice =
    code === 'LTX_MAGIC' ? '' : '; read the file again, and if it stays so, use another copy of it'
  return new LtxError(code, `Bad LTX file, byte ${offset}: ${message}${advice}`, offset)
}
