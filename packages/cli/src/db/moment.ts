import type { Moment } from '@thaw/sqlite'
import { type CommandOption, textValue, type Values } from '../command.ts'
import { UsageError } from '../errors.ts'

export const momentOption: Readonly<Record<string, CommandOption>> = {
  at: {
    type: 'string',
    value: 'TIME|TXID',
    help: 'as it was: 2026-11-20T12:00:00Z, or a transaction (42, or 16 hex digits)',
  },
}

const HEX_DIGITS = 16
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/i

/** Reads `--at`. @throws UsageError */
export function readMoment(values: Values): Moment {
  const text = textValue(values, 'at')
  if (text === null) return {}
  const to = transaction(text)
  if (to !== null) return { to }
  const at = TIME.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(at)) return { at }
  throw new UsageError(
    `--at takes a time with its zone (2026-11-20T12:00:00Z, 2026-11-20T13:00+01:00) or a transaction (42, ` +
      `or ${HEX_DIGITS} hex digits), not '${text}'.`,
  )
}

/** As in the names of files, hexadecimal when it has as many digits as those. */
function transaction(text: string): number | null {
  if (new RegExp(`^[0-9a-f]{${HEX_DIGITS}}$`, 'i').test(text)) return safe(Number.parseInt(text, 16))
  return /^\d{1,15}$/.test(text) ? safe(Number(text)) : null
}

function safe(txid: number): number | null {
  return Number.isSafeInteger(txid) ? txid : null
}
