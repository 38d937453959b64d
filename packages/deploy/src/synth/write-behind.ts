import type { App } from '@thaw/app'

/**
 * What is wrong with an application whose database is in write-behind mode: it acknowledges what the bucket does not
 * hold yet, so that a second environment would write upon an older state, and one of the two would lose what it
 * acknowledged. All functions see the database.
 */
export function writeBehindProblems({ database, functions }: App): string[] {
  if (database?.durability !== 'write-behind') return []
  const way = `or leave out durability: 'write-behind', which lets any number write`
  if (functions.length > 1) {
    const names = functions.map(({ name }) => `'${name}'`).join(', ')
    return [
      `a write-behind database is for one writer, and ${names} would all write to it: make them one function, ${way}`,
    ]
  }
  return functions
    .filter(({ concurrency }) => concurrency !== 1)
    .map(({ name, concurrency }) => {
      const given =
        concurrency === undefined
          ? 'as many environments as there are requests'
          : `${concurrency} environments`
      return `a write-behind database is for one writer, and '${name}' would run in ${given}: give it concurrency: 1, ${way}`
    })
}
