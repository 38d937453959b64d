import { type Report, readObject } from './checks.ts'
import { show } from './units.ts'

/**
 * Names that Lambda refuses to set.
 * Source: "Working with Lambda environment variables", reserved environment variables.
 */
const reservedByLambda =
  /^(_.*|AWS_LAMBDA_.*|AWS_(REGION|DEFAULT_REGION|EXECUTION_ENV|ACCESS_KEY|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)|LAMBDA_(TASK_ROOT|RUNTIME_DIR))$/

/** Reads variables for functions; gives those that are right and reports the others. */
export function readEnvironment(report: Report, at: string, value: unknown): Record<string, string> {
  if (value === undefined) return {}
  const source = readObject(report, at, value, 'any')
  const variables: Record<string, string> = {}
  for (const [name, content] of Object.entries(source ?? {})) {
    const problem = variableProblem(name, content)
    if (problem !== null) report.add(`${at}.${name}`, problem)
    else variables[name] = String(content)
  }
  return variables
}

function variableProblem(name: string, content: unknown): string | null {
  if (reservedByLambda.test(name)) return 'is set by Lambda itself; choose another name'
  if (name.startsWith('THAW_')) return `is Thaw's own (THAW_…); choose another name`
  if (name === 'ENVIRONMENT') return 'is the name of the stage, set by Thaw; choose another name'
  if (name === 'DATABASE_URL') {
    return 'is no part of the definition: Thaw sets it for `database`, and your shell or .env may override it locally'
  }
  if (!/^[A-Za-z][A-Za-z0-9_]+$/.test(name)) {
    return 'is no name that Lambda takes: a letter, then letters, digits and _, two characters at least'
  }
  if (typeof content !== 'string') return `must be a text, not ${show(content)}; put it in quotes`
  return null
}
