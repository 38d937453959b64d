/** A parsed value, or the sentence that says why there is none. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string }

/**
 * A length of time in whole seconds, from a number of seconds, `'30s'` or `'2m'`.
 */
export function parseSeconds(input: unknown): Parsed<number> {
  const match = typeof input === 'string' ? /^(\d{1,6})(s|m)$/.exec(input) : null
  const seconds = match === null ? input : Number(match[1]) * (match[2] === 'm' ? 60 : 1)
  if (typeof seconds !== 'number') {
    return { problem: `${show(input)} is no length of time; write seconds (30), '30s' or '2m'` }
  }
  if (!Number.isInteger(seconds)) return { problem: `${show(input)} is not a whole number of seconds` }
  return { value: seconds }
}

/** How a wrong value appears in a message: short, whatever it is. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${shorten(value)}'`
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'bigint') return `${value}n`
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  return String(value)
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}
