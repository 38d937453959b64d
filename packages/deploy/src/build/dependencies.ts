import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Metafile } from 'esbuild'
import type { DependencySize } from './model.ts'

/**
 * How much each package brings into a bundle, the largest first. Files of the project itself go under
 * `appName`. Paths of `outputs` are relative to `root`.
 */
export async function measureDependencies(
  outputs: Metafile['outputs'],
  root: string,
  appName: string,
): Promise<DependencySize[]> {
  const totals = new Map<string, number>()
  for (const output of Object.values(outputs)) {
    for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
      if (bytesInOutput === 0) continue
      const name = await packageOf(input, root, appName)
      totals.set(name, (totals.get(name) ?? 0) + bytesInOutput)
    }
  }
  return [...totals]
    .map(([name, bytes]) => ({ name, bytes }))
    .sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1))
}

async function packageOf(input: string, root: string, appName: string): Promise<string> {
  const installed = /^.*\/?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)
  if (installed?.[1] !== undefined) return installed[1]
  if (!input.startsWith('../')) return appName
  return (await nearestPackageName(dirname(resolve(root, input)))) ?? appName
}

/** The name of the package that a folder belongs to; a link of a workspace leads to such a folder. */
async function nearestPackageName(folder: string): Promise<string | null> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw error
  })
  if (text !== null) {
    const { name } = JSON.parse(text) as { readonly name?: unknown }
    if (typeof name === 'string') return name
  }
  const parent = dirname(folder)
  return parent === folder ? null : nearestPackageName(parent)
}
