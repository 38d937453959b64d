/** What `run` gives, or the name of what it throws: for tests that compare a stand-in with the class of Node. */
export function outcomeOf<T>(run: () => T): { value?: T; error?: string } {
  try {
    return { value: run() }
  } catch (error) {
    return { error: (error as Error).name }
  }
}

/** The same, of what is promised. */
export async function settled<T>(run: () => Promise<T>): Promise<{ value?: T; error?: string }> {
  try {
    return { value: await run() }
  } catch (error) {
    return { error: (error as Error).name }
  }
}
