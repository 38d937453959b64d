import { expect, test } from 'vitest'
import { makeProject, start } from './support.ts'

// Ordinary clients, which know of the simulator by the variables alone.
const store = `
import { openStore } from '@thaw/store'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'

const store = openStore('s3://thaw-bucket/prefix?forcePathStyle=true')
const s3 = new S3Client()

export async function handler(event) {
  const text = event.queryStringParameters?.text
  if (text === undefined) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'thaw-bucket', Key: 'prefix/text' }))
    return await Body.transformToString()
  }
  await s3.send(new PutObjectCommand({ Bucket: 'other-bucket', Key: 'k', Body: text }))
  return await store.put('text', new TextEncoder().encode(text), { ifAbsent: true })
}
`
const config = `import { defineApp, http } from '@thaw/app'
export default defineApp({ name: 'services', functions: { api: http('./api.mjs') } })`

test('functions use the S3 server by their SDKs, and what is in its folder survives', async () => {
  const project = await makeProject({ 'thaw.config.ts': config, 'api.mjs': store })
  const directory = `${project.root}/.thaw/s3`
  try {
    const first = await start(project.root, { bucket: { directory } })
    try {
      const put = async () => await (await fetch(`${first.simulator.url}/?text=hello`)).json()
      expect(await put()).toEqual({ outcome: 'stored', etag: expect.any(String) })
      expect(await put()).toEqual({ outcome: 'exists' })
    } finally {
      await first.simulator.close()
    }
    await expect(fetch(first.simulator.s3Url)).rejects.toThrow()
    const second = await start(project.root, { bucket: { directory } })
    try {
      expect(await (await fetch(second.simulator.url)).text()).toBe('"hello"')
    } finally {
      await second.simulator.close()
    }
  } finally {
    await project.remove()
  }
})
