import { Buffer } from 'node:buffer'
import type { SentRequest } from '../../../../packages/lambda/test/events.ts'
import type { Case, Delivered, Received } from './exchange.ts'
import type { Front } from './fronts.ts'

/** One thing that must hold: its name, and whether it did. */
export type Check = readonly [name: string, holds: boolean]

/** What an application was given, beside what a plain server of Node was. None was given if it was not called. */
export function checkRequest(
  sent: SentRequest | null,
  front: Front,
  given: Received | null,
  truth: Received,
): Check[] {
  const checks: Check[] = [
    ['method', given?.method === truth.method],
    ['path', given !== null && samePath(given.target, truth.target, front)],
    ['query', given !== null && same(queryOf(given.target, front), queryOf(truth.target, front))],
  ]
  if (sent) checks.push(['headers', given !== null && sameHeaders(sent, given, truth)])
  if (truth.headers.has('host'))
    checks.push(['host', given?.headers.get('host') === truth.headers.get('host')])
  if (truth.headers.has('cookie')) checks.push(['cookies', same(cookiesOf(given), cookiesOf(truth))])
  // A `Request` of fetch cannot hold one.
  if (truth.method !== 'GET')
    checks.push(['body', given !== null && Buffer.compare(given.body, truth.body) === 0])
  return checks
}

/** What a client got, beside what the application answered. Nothing was got where the adapter or the front failed. */
export function checkAnswer({ answer, sent }: Case, got: Delivered | null): Check[] {
  const expected = sent.method === 'HEAD' ? new Uint8Array() : answer.body
  const checks: Check[] = [['status', got?.status === answer.status]]
  for (const [name, list] of Map.groupBy(answer.headers, ([name]) => name)) {
    const values = list.map(([, value]) => value)
    checks.push([`header ${name}`, same(partsOf(got?.headers.get(name)), partsOf(values))])
  }
  if (answer.cookies.length > 0) checks.push(['cookies', same(got?.cookies, answer.cookies)])
  checks.push(['body', got !== null && Buffer.compare(got.body, expected) === 0])
  return checks
}

// Paths are compared by what they mean: which of several ways to escape a character is used makes no difference.
function samePath(given: string, truth: string, { decodesPath, stage }: Front): boolean {
  const split = (target: string) => {
    const path = urlOf(target)?.pathname ?? ''
    return decodesPath ? decode(path).split('/') : path.split('/').map(decode)
  }
  const wanted = split(truth)
  // The client of a stage sent it: both is right, with it and without.
  return (
    same(split(given), wanted) ||
    (stage !== '' && same(split(given), [...stage.split('/'), ...wanted.slice(1)]))
  )
}

// As every framework reads it: what is behind a bare `#` is lost, and a bare `\\` is a `/`.
function urlOf(target: string): URL | null {
  return URL.parse(`http://example.com${target}`)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return `not decodable: ${text}`
  }
}

/** The pairs of a query, by key where the front does not tell the order of different keys. */
function queryOf(target: string, { name }: Front): string[][] {
  const pairs = [...(urlOf(target)?.searchParams ?? [])]
  const isOrdered = name !== 'REST API' && !name.startsWith('load balancer')
  return isOrdered ? pairs : pairs.sort(([a = ''], [b = '']) => (a < b ? -1 : a > b ? 1 : 0))
}

function sameHeaders(sent: SentRequest, given: Received, truth: Received): boolean {
  const names = new Set(sent.headers.map(([name]) => name.toLowerCase()))
  for (const special of ['host', 'cookie']) names.delete(special)
  return [...names].every((name) => {
    const wanted = truth.headers.get(name) ?? ''
    const value = given.headers.get(name) ?? ''
    // As bytes, as Node has them, or as the text that the bytes mean.
    const text = Buffer.from(wanted, 'latin1').toString('utf8')
    return same(partsOf([value]), partsOf([wanted])) || value === text
  })
}

function cookiesOf(request: Received | null): string[] {
  return (request?.headers.get('cookie') ?? '').split(/; */)
}

/** Repeated headers and one with commas say the same. */
function partsOf(values: readonly string[] | undefined): string[] | undefined {
  return values?.join(',').split(/, */)
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
