import { readFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { http } from '@thaw/app'
import { unzipSync } from 'fflate'
import { expect, test } from 'vitest'
import { createWorkspace } from '../../test/project.ts'
import { lambdaNamed, readTemplate, resourcesOf } from '../../test/template.ts'
import { buildApp } from '../build/build-app.ts'
import { synthApp } from './synth-app.ts'

const arn = 'arn:aws:lambda:eu-west-1:123456789012:layer:telemetry:7'
const layers = ['./layers/agent', arn]
const functions = {
  one: http('./f.ts', { layers }),
  two: http('./f.ts', { route: 'GET /two', layers: ['./layers/agent'] }),
  bare: http('./f.ts', { route: 'GET /bare' }),
}
const files = {
  'f.ts': 'export const handler = () => null',
  'layers/agent/extensions/agent': '#!/bin/sh\n',
  'layers/agent/lib/readme.txt': 'read me',
}

/** The modes of the entries of a zip, by their names. */
function modesOf(zip: Buffer): Record<string, string> {
  const modes: Record<string, string> = {}
  let at = zip.readUInt32LE(zip.length - 6)
  while (zip.readUInt32LE(at) === 0x02014b50) {
    const [name, extra, comment] = [28, 30, 32].map((offset) => zip.readUInt16LE(at + offset))
    const end = at + 46 + Number(name)
    modes[zip.toString('utf8', at + 46, end)] = (zip.readUInt32LE(at + 38) >>> 16).toString(8)
    at = end + Number(extra) + Number(comment)
  }
  return modes
}

async function synth(workspace: ReturnType<typeof createWorkspace>, mode = 0o755) {
  const { loaded, root, outDir } = await workspace.project({ name: 'shop', functions }, files)
  await chmod(join(root, 'layers/agent/extensions/agent'), mode)
  const build = await buildApp(loaded, { outDir })
  const result = await synthApp(loaded, build, { stage: 'dev', outDir: await workspace.folder() })
  return { ...result, template: await readTemplate(result.templateFile) }
}

test('a folder becomes one layer of all functions that have it, and an ARN stays what it is', async () => {
  await using workspace = createWorkspace()
  const { template, assembly } = await synth(workspace)
  const versions = resourcesOf(template, 'AWS::Lambda::LayerVersion')
  expect(versions).toHaveLength(1)
  const [id, version] = versions[0] ?? []
  const of = (name: string) => lambdaNamed(template, `shop-dev-${name}`).properties.Layers
  expect(of('one')).toEqual([{ Ref: id }, arn])
  expect(of('two')).toEqual([{ Ref: id }])
  expect(of('bare')).toBeUndefined()
  const content = version?.Properties.Content as { readonly S3Key: string } | undefined
  const zip = readFileSync(join(assembly, `asset.${content?.S3Key}`))
  expect(Object.keys(unzipSync(zip))).toEqual(['extensions/agent', 'lib/readme.txt'])
  expect(modesOf(zip)).toEqual({ 'extensions/agent': '100755', 'lib/readme.txt': '100644' })
})

test('an extension that is not executable is refused before anything is written', async () => {
  await using workspace = createWorkspace()
  await expect(synth(workspace, 0o644)).rejects.toMatchObject({
    code: 'SYNTH_FAILED',
    message:
      'extensions/agent of layer ./layers/agent is not executable, and Lambda would start no environment: chmod +x it, or move it elsewhere',
  })
})
