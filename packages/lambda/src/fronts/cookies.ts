/**
 * Each cookie under another spelling of `set-cookie`, for a front whose answer is a map of single values: it has one
 * place for each spelling, and the names of headers are the same in upper and lower case. There are 512.
 */
export function spelledCookies(cookies: readonly string[]): Record<string, string> {
  return Object.fromEntries(cookies.map((cookie, index) => [spellingOf(index), cookie]))
}

function spellingOf(index: number): string {
  let bits = index
  return 'set-cookie'.replace(/[a-z]/g, (letter) => {
    const isUpper = (bits & 1) === 1
    bits >>= 1
    return isUpper ? letter.toUpperCase() : letter
  })
}
