import type { ObjectInfo } from '../object-store.ts'
import type { S3Client } from './client.ts'
import { type Context, nonsense, refusal } from './failure.ts'
import { element, elements } from './xml.ts'

/** One answer to ListObjectsV2. */
export interface Page {
  readonly objects: readonly ObjectInfo[]
  /** Asks for the next page; null after the last. */
  readonly next: string | null
}

/** Asks for one page. `query` says what comes after `list-type`. */
export async function listOnce(
  client: S3Client,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
  context: Context,
): Promise<Page> {
  const full = { 'list-type': '2', 'encoding-type': 'url', ...query }
  const answer = await client.send({ method: 'GET', query: full, signal }, context)
  if (answer.status !== 200) throw refusal(answer, context)
  const page = parsePage(new TextDecoder().decode(answer.body))
  if (!page) throw nonsense('this is no list of objects', answer, context)
  if (page.next !== null && page.next === query['continuation-token'])
    throw nonsense('the list does not go on', answer, context)
  return page
}

/**
 * Reads an answer to ListObjectsV2.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 *
 * Returns null when it is none, or lacks something.
 */
export function parsePage(xml: string): Page | null {
  if (!/<ListBucketResult[\s>]/.test(xml)) return null
  const encoded = element(xml, 'EncodingType') === 'url'
  const objects: ObjectInfo[] = []
  for (const contents of elements(xml, 'Contents')) {
    const object = parseObject(contents, encoded)
    if (!object) return null
    objects.push(object)
  }
  const truncated = element(xml, 'IsTruncated')
  const next = element(xml, 'NextContinuationToken')
  if (truncated !== 'true' && truncated !== 'false') return null
  if (truncated === 'true' && !next) return null
  return { objects, next: truncated === 'true' ? next : null }
}

function parseObject(contents: string, encoded: boolean): ObjectInfo | null {
  const name = element(contents, 'Key')
  const key = name !== null && encoded ? decode(name) : name
  const etag = element(contents, 'ETag')
  const size = Number(element(contents, 'Size') ?? Number.NaN)
  const modifiedAt = Date.parse(element(contents, 'LastModified') ?? '')
  if (!key || !etag || !Number.isSafeInteger(size) || Number.isNaN(modifiedAt)) return null
  return { key, size, etag, modifiedAt }
}

/** As in a form: "+" stands for a space. */
function decode(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return null
  }
}
