import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, sep } from 'node:path'
import type { LoadedApp } from '@thaw/app'
import { formatBytes, lambdaLimits } from '../build/limits.ts'
import type { BuildResult } from '../build/model.ts'

/** A file of a layer. */
export interface LayerFile {
  /** Below `/opt`, with `/` between folders. */
  readonly name: string
  readonly bytes: number
  readonly isExecutable: boolean
  read(): Uint8Array
}

/** The files of a layer, in order of their names. Links are followed: a zip of ours has none. */
export function readLayer(folder: string): readonly LayerFile[] {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  return paths.flatMap((path) => {
    const file = join(folder, path)
    const found = statSync(file)
    if (!found.isFile()) return []
    const name = path.replaceAll(sep, '/')
    const isExecutable = (found.mode & 0o100) !== 0
    return { name, bytes: found.size, isExecutable, read: () => readFileSync(file) }
  })
}

/** What Lambda would refuse of the layers that are folders, and what would keep every environment from starting. */
export function layerProblems({ app, root }: LoadedApp, build: BuildResult): string[] {
  const problems = new Set<string>()
  for (const { name, layers } of app.functions) {
    const folders = layers.flatMap((layer) => ('folder' in layer ? layer.folder : []))
    let bytes = build.functions.find((built) => built.name === name)?.unzippedBytes ?? 0
    for (const folder of folders) {
      const files = readLayer(join(root, folder))
      if (files.length === 0) problems.add(`layer ${folder} holds no file: leave it out`)
      for (const file of files) {
        bytes += file.bytes
        if (!/^extensions\/[^/]+$/.test(file.name) || file.isExecutable) continue
        const what = `${file.name} of layer ${folder} is not executable`
        problems.add(`${what}, and Lambda would start no environment: chmod +x it, or move it elsewhere`)
      }
    }
    const limit = lambdaLimits.unzippedBytes
    if (folders.length === 0 || bytes <= limit) continue
    const sum = `'${name}' and its layers have ${formatBytes(bytes)} unzipped`
    problems.add(`${sum}, and Lambda takes ${formatBytes(limit)} of both together`)
  }
  return [...problems]
}
