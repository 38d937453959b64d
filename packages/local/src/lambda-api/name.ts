import { accountId } from '../account.ts'
import { invalidParameter } from './answers.ts'

/** A function as a path names it. */
export interface NamedFunction {
  readonly name: string
  /** `$LATEST`, an alias or a version; null when it is not said. */
  readonly qualifier: string | null
}

/**
 * Reads what stands for a function in a path: its name, `123456789012:function:name`, or its ARN, each perhaps with a
 * qualifier. Throws `LambdaApiError`.
 */
export function readFunctionName(segment: string): NamedFunction {
  const text = decode(segment)
  const match =
    /^(?:arn:aws[\w-]*:lambda:([\w-]+):)?(?:(\d{12}):)?(?:function:)?([\w-]+)(?::([$\w-]+))?$/.exec(text)
  const [, region, account, name, qualifier = null] = match ?? []
  if (name === undefined || (region !== undefined && account === undefined)) {
    throw invalidParameter(`'${text}' names no function; give its name or its ARN`)
  }
  if (account !== undefined && account !== accountId) {
    throw invalidParameter(`'${text}' is of another account; functions here are of ${accountId}`)
  }
  return { name, qualifier }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw invalidParameter(`'${segment}' names no function`)
  }
}
