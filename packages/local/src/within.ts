/** The result, or null when it takes longer; `Infinity` ms wait for it. What it then turns into does not matter any more. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T | null> {
  if (ms === Number.POSITIVE_INFINITY) return await work
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, ms, null)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
    work.catch(() => {})
  }
}
