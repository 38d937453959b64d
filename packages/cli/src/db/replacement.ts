import { formatBytes } from '@thaw/deploy'
import type { Approve, Replacement, Source } from '@thaw/sqlite'
import type { Io, Values } from '../command.ts'
import { approval, ask } from './confirm.ts'

/**
 * Runs what replaces the state of a database, after the user has agreed, and tells what came of it.
 * @param what is done, as a sentence begins: `Restore transaction 4`
 * @returns the exit code
 */
export async function replace<R extends Replacement>(
  source: Source,
  values: Values,
  io: Io,
  what: string,
  run: (approve: Approve) => Promise<R>,
): Promise<number> {
  const agreed = approval(values, what)
  let refused = false
  const result = await run(async (told) => {
    if (agreed !== 'ask') return agreed === 'yes'
    io.err(`${source.description}: ${difference(told)}`)
    refused = !(await ask(`${what}?`))
    return !refused
  })
  if (values.json === true) io.out(JSON.stringify({ database: source.description, ...result }, null, 2))
  else for (const line of describe(source.description, result, refused)) io.out(line)
  return refused ? 1 : 0
}

function describe(name: string, result: Replacement, refused: boolean): string[] {
  if (result.pages === 0)
    return [`${name}: nothing differs from transaction ${result.before}, and nothing was changed`]
  if (refused) return ['nothing was changed']
  if (result.txid === null) return [`${name}: ${difference(result)}`, 'nothing was changed']
  return [
    `${name}: transaction ${result.txid}, ${count(result)}, ${formatBytes(result.published)} sent`,
    `to undo it: thaw db restore --at ${result.before}`,
  ]
}

function difference(told: Replacement): string {
  return (
    `${count(told)} from transaction ${told.before}; ${formatBytes(told.bytesBefore)} becomes ` +
    `${formatBytes(told.bytes)}; ${formatBytes(told.published)} to send`
  )
}

function count({ pages, pageSize }: Replacement): string {
  return `${pages} ${pages === 1 ? 'page' : 'pages'} of ${pageSize} bytes ${pages === 1 ? 'differs' : 'differ'}`
}
