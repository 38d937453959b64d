/** Which messages of a batch were not worked on to their end. */
export type BatchResult =
  | { readonly failed: ReadonlySet<string> }
  /** All of them, because the answer makes no sense. */
  | { readonly malformed: string }

/**
 * Reads what a function answers that reports failures of single messages (`ReportBatchItemFailures`).
 *
 * @param payload JSON
 * @param ids of the batch
 *
 * Source: "Implementing partial batch responses", success and failure conditions, of the Lambda developer guide.
 */
export function readBatchAnswer(payload: string, ids: readonly string[]): BatchResult {
  let answer: unknown
  try {
    answer = payload === '' ? null : JSON.parse(payload)
  } catch {
    return { malformed: 'the answer is no JSON' }
  }
  if (answer === null) return { failed: new Set() }
  if (typeof answer !== 'object' || Array.isArray(answer)) {
    return { malformed: `the answer is ${describe(answer)}, and must be { batchItemFailures: [...] }` }
  }
  const { batchItemFailures = null } = answer as { batchItemFailures?: unknown }
  if (batchItemFailures === null) return { failed: new Set() }
  if (!Array.isArray(batchItemFailures)) {
    return { malformed: `batchItemFailures is ${describe(batchItemFailures)}, and must be a list` }
  }
  const failed = new Set<string>()
  for (const failure of batchItemFailures as readonly unknown[]) {
    const id = (failure as { itemIdentifier?: unknown } | null)?.itemIdentifier
    if (typeof id !== 'string' || id === '') {
      return { malformed: `batchItemFailures has ${describe(failure)}, which has no itemIdentifier` }
    }
    if (!ids.includes(id)) return { malformed: `itemIdentifier '${id}' is no message of the batch` }
    failed.add(id)
  }
  return { failed }
}

function describe(value: unknown): string {
  return JSON.stringify(value).slice(0, 200)
}
