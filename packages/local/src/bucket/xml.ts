// The few forms of XML that S3 takes and gives. The elements that are read here have no attributes.

/** What an element holds: a text, other elements, or several of the same name. */
export type XmlContent = string | number | boolean | XmlFields | readonly XmlFields[] | undefined

export interface XmlFields {
  readonly [name: string]: XmlContent
}

const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/'

/** A whole document; fields that are undefined are left out. */
export function document(root: string, fields: XmlFields): string {
  const xmlns = root === 'Error' ? '' : ` xmlns="${namespace}"`
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${xmlns}>${inside(fields)}</${root}>`
}

function inside(fields: XmlFields): string {
  return Object.entries(fields)
    .flatMap(([name, content]) => {
      const contents = Array.isArray(content) ? (content as readonly XmlFields[]) : [content as string]
      return contents
        .filter((one) => one !== undefined)
        .map((one) => `<${name}>${typeof one === 'object' ? inside(one) : escapeText(String(one))}</${name}>`)
    })
    .join('')
}

function escapeText(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a name may have them
    /[&<>"\u0000-\u001f\u007f]/g,
    (character) => named[character] ?? `&#x${character.charCodeAt(0).toString(16)};`,
  )
}

const named: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** The insides of all elements of that name. In one pass: what is opened and never closed is not looked for again. */
export function elements(xml: string, name: string): string[] {
  const [opening, closing] = [`<${name}>`, `</${name}>`]
  const found: string[] = []
  for (let at = 0; ; ) {
    const start = xml.indexOf(opening, at)
    const end = start < 0 ? -1 : xml.indexOf(closing, start)
    if (end < 0) return found
    found.push(xml.slice(start + opening.length, end))
    at = end + closing.length
  }
}

/** The text of the first element of that name; null when there is none. */
export function textOf(xml: string, name: string): string | null {
  const [text] = elements(xml, name)
  if (text === undefined) return null
  return text.replace(/&(?:#x([0-9a-f]+)|#([0-9]+)|([a-z]+));/gi, (whole, hex, decimal, entity) => {
    if (entity !== undefined) return entities[entity] ?? whole
    const point = hex === undefined ? Number.parseInt(decimal, 10) : Number.parseInt(hex, 16)
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole
  })
}
