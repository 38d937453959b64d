import type { Parameters } from './parameters.ts'

/**
 * Reads a request of the query protocol into the shape that the JSON protocol has:
 * `SendMessageBatchRequestEntry.1.Id=a` is `{ Entries: [{ Id: 'a' }] }`. The queue may be named by the path alone.
 */
export function readQuery(form: string, path: string): Parameters {
  const root: Tree = new Map()
  for (const [key, value] of new URLSearchParams(form)) {
    const names = key.split('.')
    let node = root
    for (const name of names.slice(0, -1)) {
      const inner = node.get(name)
      const next: Tree = inner instanceof Map ? inner : new Map()
      node.set(name, next)
      node = next
    }
    node.set(names.at(-1) ?? '', value)
  }
  const from = translate(root) as Record<string, unknown>
  return path === '/' || from.QueueUrl !== undefined ? from : { ...from, QueueUrl: path }
}

type Tree = Map<string, Tree | string>

/** Lists are flattened under the name of their members. */
const lists: Readonly<Record<string, string>> = {
  AttributeName: 'AttributeNames',
  MessageAttributeName: 'MessageAttributeNames',
  MessageSystemAttributeName: 'MessageSystemAttributeNames',
  SendMessageBatchRequestEntry: 'Entries',
  DeleteMessageBatchRequestEntry: 'Entries',
  ChangeMessageVisibilityBatchRequestEntry: 'Entries',
}

const maps: Readonly<Record<string, string>> = {
  MessageAttribute: 'MessageAttributes',
  MessageSystemAttribute: 'MessageSystemAttributes',
}

function translate(tree: Tree): Record<string, unknown> {
  const fields = [...tree].map(([name, value]): [string, unknown] => {
    if (!(value instanceof Map)) return [name, value]
    const members = [...value].map(([, member]) => (member instanceof Map ? translate(member) : member))
    const list = lists[name]
    if (list !== undefined) return [list, members]
    const map = maps[name]
    if (map !== undefined) {
      const pairs = members.filter((member) => typeof member === 'object')
      return [map, Object.fromEntries(pairs.map(({ Name, Value }) => [String(Name), Value]))]
    }
    return [name, translate(value)]
  })
  return Object.fromEntries(fields)
}

/** How members of lists and pairs of maps are called in answers. */
const members: Readonly<Record<string, (action: string) => string>> = {
  Messages: () => 'Message',
  QueueUrls: () => 'QueueUrl',
  Successful: (action) => `${action}ResultEntry`,
  Failed: () => 'BatchResultErrorEntry',
  Attributes: () => 'Attribute',
  MessageAttributes: () => 'MessageAttribute',
}

const namespace = 'http://queue.amazonaws.com/doc/2012-11-05/'

/** The XML of an answer; of a failure when `action` is `Error`. */
export function showXml(action: string, result: unknown, requestId: string): string {
  const inner = showFields(action, result as object)
  const metadata = `<RequestId>${requestId}</RequestId>`
  return action === 'Error'
    ? `<?xml version="1.0"?><ErrorResponse xmlns="${namespace}"><Error>${inner}</Error>${metadata}</ErrorResponse>`
    : `<?xml version="1.0"?><${action}Response xmlns="${namespace}"><${action}Result>${inner}</${action}Result>` +
        `<ResponseMetadata>${metadata}</ResponseMetadata></${action}Response>`
}

function showFields(action: string, fields: object): string {
  return Object.entries(fields)
    .map(([name, value]) => showField(action, name, value))
    .join('')
}

function showField(action: string, name: string, value: unknown): string {
  if (typeof value !== 'object' || value === null) return `<${name}>${escapeXml(String(value))}</${name}>`
  const member = members[name]?.(action)
  const wrap = (tag: string, inner: string) => `<${tag}>${inner}</${tag}>`
  if (Array.isArray(value)) return value.map((one) => wrap(member ?? name, show(action, one))).join('')
  if (member === undefined) return wrap(name, showFields(action, value))
  return Object.entries(value)
    .map(([key, one]) => wrap(member, `<Name>${escapeXml(key)}</Name><Value>${show(action, one)}</Value>`))
    .join('')
}

function show(action: string, value: unknown): string {
  return typeof value === 'object' && value !== null ? showFields(action, value) : escapeXml(String(value))
}

function escapeXml(text: string): string {
  return text.replaceAll(/[&<>"\r]/g, (character) => `&#${character.charCodeAt(0)};`)
}
