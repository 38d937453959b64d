import type { BucketSettings, LifecycleRule } from '@thaw/store'
import { OperationError } from '../errors.ts'

/** Classes from which an object has to be brought back before it can be read. */
const ARCHIVES = new Set(['GLACIER', 'DEEP_ARCHIVE'])

/**
 * Judges what is set for a bucket. A database is not old because its objects are: the newest image of a page that
 * nobody changes may lie in the oldest of them, so what deletes or archives by age destroys it.
 *
 * @returns what to know, in a few words
 * @throws OperationError `EXPIRY_RULE` when a rule deletes or archives what the database needs
 */
export function judgeSettings(name: string, { prefix, versioning, rules }: BucketSettings): string {
  const bad = (rules ?? []).filter((rule) => rule.enabled && reaches(rule, prefix) && harms(rule))
  if (bad.length > 0) {
    const what = bad
      .map(({ id, expires }) => `"${id}" ${expires ? 'deletes' : 'archives'} objects`)
      .join(', ')
    throw new OperationError(
      'EXPIRY_RULE',
      `the lifecycle of the bucket destroys ${name}: rule ${what} of it by their age. Take the rule away, or limit it ` +
        'to other names. thaw db maintain deletes what is no longer needed',
    )
  }
  const about =
    rules === null
      ? 'lifecycle rules may not be read (s3:GetLifecycleConfiguration)'
      : 'no lifecycle rule harms it'
  return `${about}; ${versions(versioning, rules)}`
}

function versions(versioning: BucketSettings['versioning'], rules: BucketSettings['rules']): string {
  if (versioning === null) return 'versioning may not be read (s3:GetBucketVersioning)'
  if (versioning !== 'enabled') return `versioning is ${versioning}`
  if (rules === null || rules.some(({ enabled, expiresNoncurrent }) => enabled && expiresNoncurrent)) {
    return 'versioning is enabled'
  }
  return 'versioning is enabled and no rule removes noncurrent versions, so that storage only grows'
}

function reaches(rule: LifecycleRule, prefix: string): boolean {
  return prefix.startsWith(rule.prefix) || rule.prefix.startsWith(prefix)
}

function harms({ expires, movesTo }: LifecycleRule): boolean {
  return expires || movesTo.some((storageClass) => ARCHIVES.has(storageClass))
}
