import { Buffer } from 'node:buffer'
import {
  albEvent,
  functionUrlEvent,
  httpApiEvent,
  latticeEvent,
  restApiEvent,
  type SentRequest,
} from '../../../../packages/lambda/test/events.ts'
import type { Delivered } from './exchange.ts'

export type FrontName =
  | 'HTTP API'
  | 'HTTP API with a stage'
  | 'Function URL'
  | 'REST API'
  | 'load balancer'
  | 'load balancer with lists'
  | 'VPC Lattice'

/** A front by AWS's documentation: what it makes of a request, and what a client gets of an answer. */
export interface Front {
  readonly name: FrontName
  readonly event: (sent: SentRequest) => Record<string, unknown>
  /** Throws for what this front answers with an error of its own. */
  readonly deliver: (answer: Record<string, unknown>) => Delivered
  /** Whether a name can have several values, on both ways. */
  readonly hasLists: boolean
  readonly decodesPath: boolean
  /** What may stand before the path: the client sent it, and an application may be spared it. */
  readonly stage: string
}

type Pairs = [name: string, value: unknown][]

const plain = { hasLists: true, decodesPath: false, stage: '' }

export const fronts: readonly Front[] = [
  { ...plain, name: 'HTTP API', event: (sent) => httpApiEvent(sent), deliver: viaV2, decodesPath: true },
  {
    ...plain,
    name: 'HTTP API with a stage',
    event: (sent) => httpApiEvent(sent, 'prod'),
    deliver: viaV2,
    decodesPath: true,
    stage: '/prod',
  },
  { ...plain, name: 'Function URL', event: functionUrlEvent, deliver: viaV2 },
  { ...plain, name: 'REST API', event: (sent) => restApiEvent(sent), deliver: viaV1 },
  {
    ...plain,
    name: 'load balancer',
    event: (sent) => albEvent(sent, false),
    deliver: (answer) => deliver(answer, singles(answer.headers)),
    hasLists: false,
  },
  {
    ...plain,
    name: 'load balancer with lists',
    event: (sent) => albEvent(sent, true),
    deliver: (answer) => deliver(answer, lists(answer.multiValueHeaders)),
  },
  // Requests have lists here, answers not.
  {
    ...plain,
    name: 'VPC Lattice',
    event: latticeEvent,
    deliver: (answer) => deliver(answer, singles(answer.headers)),
    hasLists: false,
  },
]

export function frontNamed(name: FrontName): Front {
  const front = fronts.find((each) => each.name === name)
  if (!front) throw new Error(`there is no front ${name}`)
  return front
}

/** Payload format 2.0: `cookies` beside `headers`, and nothing of `multiValueHeaders`. */
function viaV2(answer: Record<string, unknown>): Delivered {
  const cookies = ((answer.cookies ?? []) as unknown[]).map((cookie): Pairs[number] => ['set-cookie', cookie])
  return deliver(answer, [...singles(answer.headers), ...cookies])
}

const V1_KEYS = ['statusCode', 'headers', 'multiValueHeaders', 'body', 'isBase64Encoded']

/** A REST API: both maps, the lists before the single values of the same name; a key more is an error. */
function viaV1(answer: Record<string, unknown>): Delivered {
  const unknown = Object.keys(answer).filter((key) => !V1_KEYS.includes(key))
  if (unknown.length > 0) throw new Error(`malformed proxy response: ${unknown.join(', ')}`)
  const many = lists(answer.multiValueHeaders)
  const listed = new Set(many.map(([name]) => name.toLowerCase()))
  return deliver(answer, [
    ...many,
    ...singles(answer.headers).filter(([name]) => !listed.has(name.toLowerCase())),
  ])
}

function singles(map: unknown): Pairs {
  return Object.entries((map ?? {}) as Record<string, unknown>)
}

function lists(map: unknown): Pairs {
  return Object.entries((map ?? {}) as Record<string, unknown[]>).flatMap(([name, values]) =>
    values.map((value): Pairs[number] => [name, value]),
  )
}

function deliver({ statusCode, body, isBase64Encoded }: Record<string, unknown>, pairs: Pairs): Delivered {
  if (!Number.isInteger(Number(statusCode))) throw new Error(`no status: ${statusCode}`)
  const headers = new Map<string, string[]>()
  const cookies: string[] = []
  for (const [name, value] of pairs) {
    // A list where single values belong is lost.
    if (typeof value === 'object') continue
    const key = name.toLowerCase()
    if (key === 'set-cookie') cookies.push(String(value))
    else headers.set(key, [...(headers.get(key) ?? []), String(value)])
  }
  const text = typeof body === 'string' ? body : ''
  return {
    status: Number(statusCode),
    headers,
    cookies,
    body: Buffer.from(text, isBase64Encoded === true ? 'base64' : 'utf8'),
  }
}
