import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Request as StandInRequest } from './request.ts'
import { Response as StandInResponse } from './response.ts'
import { settled } from './side-by-side.ts'

const Native = { Request: globalThis.Request, Response: globalThis.Response }
const StandIn = { Request: StandInRequest, Response: StandInResponse } as unknown as typeof Native

/** Makes a body afresh, for each of the two. */
type Make = () => unknown

function stream(...chunks: unknown[]): ReadableStream {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
}

function form(): FormData {
  const form = new FormData()
  form.append('line\nbreak"', 'a\nb\r\nc\rd')
  form.append('ü', 'é')
  form.append('file', new File(['\0ÿ'], 'a"b\n.txt', { type: 'text/plain' }))
  form.append('blob', new Blob([new Uint8Array([255, 0])]))
  return form
}

const texts = fc.oneof(
  fc.constantFrom('', '{"a":1}', '\ufeff[1]', '\ufeffx', 'a=1&b=%C3%BC+2', '\ud800x', 'é€😀', 'x\0'),
  fc.string({ unit: 'binary' }),
)
const bytes = fc.uint8Array({ maxLength: 40 })
const multipart = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'

const bodies: fc.Arbitrary<Make> = fc.oneof(
  texts.map((text) => () => text),
  bytes.map((given) => () => given.slice()),
  bytes.map((given) => () => Buffer.from(given)),
  bytes.map((given) => () => given.slice().buffer),
  bytes.map((given) => () => new DataView(given.slice().buffer, Math.min(1, given.length))),
  fc.tuple(texts, fc.constantFrom('', 'text/plain', 'A/B;c=D')).map(
    ([text, type]) =>
      () =>
        new Blob([text], { type }),
  ),
  texts.map((text) => () => new URLSearchParams(text)),
  fc.array(bytes, { maxLength: 3 }).map((chunks) => () => stream(...chunks.map((chunk) => chunk.slice()))),
  fc.constantFrom<Make[]>(
    () => null,
    () => undefined,
    () => 1,
    () => ({}),
    () => multipart,
    () => stream('text'),
    () => stream(null),
    () => stream().pipeThrough(new TransformStream()),
    () => {
      const locked = stream()
      locked.getReader()
      return locked
    },
    () => new ReadableStream({ start: (controller) => controller.error(new RangeError('broken')) }),
    () => Symbol('s'),
    () => new SharedArrayBuffer(1),
  ),
)

/** What Node reads chunk by chunk, and stumbles over when it is cancelled. */
const chunked: fc.Arbitrary<Make> = fc.oneof(
  fc
    .array(fc.oneof(bytes, texts, fc.constantFrom<unknown>(5, {}, true, [65, 300])), { maxLength: 4 })
    .map((chunks) => () => Readable.from(chunks)),
  fc.constant(form),
)

type Answer = globalThis.Response
type Step = (one: Answer, others: Answer[]) => Promise<unknown> | unknown

const reading: Step[] = [
  (one) => one.text(),
  (one) => one.json(),
  async (one) => Buffer.from(await one.arrayBuffer()).toString('latin1'),
  async (one) => Buffer.from(await one.bytes()).toString('latin1'),
  async (one) => {
    const blob = await one.blob()
    return [blob.type.replace(/boundary=.*/, ''), blob.size > 0]
  },
  async (one) => {
    const entries = [...(await one.formData())]
    return entries.map(([name, value]) => [
      name,
      typeof value === 'string' ? value : [value.name, value.type, value.size],
    ])
  },
  (one) => [one.bodyUsed, one.body === null, one.body?.locked],
  (one, others) => {
    others.push(one.clone())
  },
]

const leaving: Step[] = [
  // Of one of two copies it is not done before the other is cancelled.
  (one) => void one.body?.cancel().catch(() => {}),
  async (one) => {
    const reader = one.body?.getReader()
    const first = await reader?.read()
    reader?.releaseLock()
    return first?.done
  },
  async (one) => {
    const reader = one.body?.getReader({ mode: 'byob' })
    const first = await reader?.read(new Uint8Array(3))
    reader?.releaseLock()
    return [first?.done, first?.value?.byteLength]
  },
  (one, others) => {
    const Class = one.constructor as typeof Native.Response
    if ('status' in one) others.push(new Class(one.body, one))
  },
]

const types = fc.constantFrom<(string | null)[]>(
  null,
  null,
  'text/plain',
  'Text/HTML; charset=UTF-8',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=b',
  'application/json; a="b,c"',
  'nothing',
)

const boundary = /formdata-[\w-]+/g

function sameAsNative(bodies: fc.Arbitrary<Make>, steps: Step[]) {
  const todo = fc.array(fc.tuple(fc.constantFrom(...steps), fc.nat(3)), { maxLength: 6 })
  return fc.asyncProperty(bodies, types, todo, fc.boolean(), async (make, type, todo, asRequest) => {
    const run = async ({ Request, Response }: typeof Native) => {
      const headers: Record<string, string> = type === null ? {} : { 'content-type': type }
      const made = await settled(async () => {
        const body = make() as string
        if (!asRequest) return { it: new Response(body, { headers }) }
        return { it: new Request('http://a/', { method: 'POST', body, headers, duplex: 'half' }) }
      })
      if (!made.value) return made.error
      const all = [made.value.it as Answer]
      const seen: unknown[] = [made.value.it.headers.get('content-type')?.replace(boundary, '')]
      for (const [step, which] of todo) {
        const one = all[which % all.length] as Answer
        const outcome = await settled(async () => step(one, all))
        seen.push(JSON.stringify(outcome).replaceAll(boundary, ''))
      }
      return [seen, all.map(({ bodyUsed }) => bodyUsed)]
    }
    expect(await run(StandIn)).toEqual(await run(Native))
  })
}

test('a body of any kind, read, copied and left in any way, does what it does in the class of Node', async () => {
  await fc.assert(sameAsNative(bodies, [...reading, ...leaving]), { numRuns: 1500 })
})

test('so does one of chunks or of a form, read and copied in any way', async () => {
  await fc.assert(sameAsNative(chunked, reading), { numRuns: 300 })
})

test('text of any bytes is the text that the class of Node reads', async () => {
  const property = fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (given) => {
    expect(await new StandIn.Response(given).text()).toBe(await new Native.Response(given).text())
  })
  await fc.assert(property, { numRuns: 1000 })
})

test('who gave bytes or gets them does not change those of others', async () => {
  const given = new Uint8Array([1, 2, 3])
  const response = new StandIn.Response(given)
  given[0] = 9
  const copy = response.clone()
  const first = await response.bytes()
  first[1] = 9
  expect([...(await copy.bytes())]).toEqual([1, 2, 3])
})
