import { LtxDecoder, LtxError } from '@thaw/ltx'
import type { ObjectStore } from '@thaw/store'
import { RestoreError } from './errors.ts'
import type { LtxFile } from './files.ts'

/** Where a database comes from. */
export interface Source {
  readonly store: ObjectStore
  /** Names the database in messages. */
  readonly description: string
}

/**
 * Reads and checks the header of a file.
 * @param pieces its bytes
 * @throws RestoreError `RESTORE_CORRUPT` when it is damaged, or holds other transactions than its name says
 */
export async function openFile(
  source: Source,
  file: LtxFile,
  pieces: AsyncIterable<Uint8Array>,
): Promise<LtxDecoder> {
  try {
    const decoder = await LtxDecoder.open(pieces)
    const { minTxid, maxTxid } = decoder.header
    if (minTxid === file.first && maxTxid === file.last) return decoder
    await decoder.close()
    throw corrupt(source, file, `its header says transactions ${minTxid} to ${maxTxid}`)
  } catch (error) {
    throw orCorrupt(source, file, error)
  }
}

/** The error to throw for one that came up while a file was read. */
export function orCorrupt(source: Source, file: LtxFile, error: unknown): unknown {
  return error instanceof LtxError ? corrupt(source, file, error.message, error) : error
}

export function corrupt(
  { description }: Source,
  file: LtxFile,
  reason: string,
  cause?: unknown,
): RestoreError {
  return new RestoreError(
    'RESTORE_CORRUPT',
    `${file.key} of ${description} is damaged: ${reason}. Restore the object from a backup of the bucket`,
    cause,
  )
}
