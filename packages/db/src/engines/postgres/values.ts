import pg, { type CustomTypesConfig } from 'pg'

/**
 * How PostgreSQL's types are read so that the same code sees the same values as on SQLite. Numbers of the types
 * are those of https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat.
 */
const PARSERS = new Map<number, (text: string) => unknown>([
  [20, parseInt8],
  [1700, Number],
  [1082, (date) => date],
  [1114, isoTimestamp],
  [1184, isoTimestamp],
])

/** `pg` reads what is not in the table. */
export const portableTypes: CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    (format ?? 'text') === 'text'
      ? (PARSERS.get(oid) ?? pg.types.getTypeParser(oid))
      : pg.types.getTypeParser(oid, 'binary')) as typeof pg.types.getTypeParser,
}

/** A number where it is exact, else a bigint. */
function parseInt8(text: string): number | bigint {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}

const TIMESTAMP = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?([+-]\d\d(?::\d\d)?)?$/

/**
 * `2026-11-20 10:00:00.5+02` as `2026-11-20T08:00:00.500Z`, the text that a Date was bound as. Digits past
 * milliseconds stay; `infinity` and years before 1 or past 9999 are given as the server wrote them.
 */
export function isoTimestamp(text: string): string {
  const match = TIMESTAMP.exec(text)
  if (!match) return text
  const [, date, time, fraction = '', offset] = match
  const digits = (fraction || '.').padEnd(4, '0')
  if (offset === undefined || offset === '+00') return `${date}T${time}${digits}Z`
  const instant = new Date(`${date}T${time}${offset.length === 3 ? `${offset}:00` : offset}`)
  return `${instant.toISOString().slice(0, 19)}${digits}Z`
}
