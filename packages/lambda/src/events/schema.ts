import { InvalidBodyError } from '../errors.ts'

/**
 * A validator of whichever library, such as a schema of Zod, Valibot or ArkType, by the part of the Standard Schema
 * that is needed here. https://standardschema.dev
 */
export interface Schema<Output> {
  readonly '~standard': {
    readonly version: 1
    readonly validate: (value: unknown) => Validated<Output> | Promise<Validated<Output>>
  }
}

type Validated<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly Issue[] }

interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What `schema` makes of `value`. Throws `InvalidBodyError`, which names every issue. */
export async function validate<Output>(
  schema: Schema<Output>,
  value: unknown,
  what: string,
): Promise<Output> {
  const result = await schema['~standard'].validate(value)
  if (result.issues === undefined) return result.value
  throw new InvalidBodyError(what, `is not valid: ${result.issues.map(describeIssue).join('; ')}`)
}

function describeIssue({ message, path = [] }: Issue): string {
  if (path.length === 0) return message
  const keys = path.map((part) => String(typeof part === 'object' ? part.key : part))
  return `${keys.join('.')}: ${message}`
}
