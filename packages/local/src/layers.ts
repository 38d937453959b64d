import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { FunctionBase } from '@thaw/app'
import type { LayerContent } from './environment/function-spec.ts'
import { isExecutable } from './executable.ts'
import type { Log } from './log.ts'

/** Makes the content of layers, and says once of each what cannot be had here. */
export interface Layers {
  /** What the layers of a function come to; null without any that can be had here. */
  of(root: string, fn: Pick<FunctionBase, 'name' | 'layers'>): LayerContent | null
}

/** Copies go below `directory`, each as it is when it is first wanted: a layer that has changed makes another one. */
export function createLayers(directory: string, log: Log): Layers {
  const told = new Set<string>()
  const sayOnce = (line: string) => {
    if (!told.has(line)) log(line, 'simulator')
    told.add(line)
  }
  return {
    of(root, { name, layers }) {
      const folders: string[] = []
      for (const layer of layers) {
        if ('arn' in layer) sayOnce(`layer ${layer.arn} of ${name} is on AWS alone: it is not run here`)
        // A folder that is missing has been told of where the application was loaded.
        else if (existsSync(join(root, layer.folder))) folders.push(join(root, layer.folder))
      }
      if (folders.length === 0) return null
      const folder = merge(folders, directory)
      const extensions = extensionsIn(folder)
      for (const extension of extensions) {
        if (extension.isExecutable) continue
        const what = `extensions/${extension.name} in a layer of ${name} is not executable`
        sayOnce(`${what}: Lambda starts no environment with it, nor does this; chmod +x it, or move it`)
      }
      return { folder, extensions }
    },
  }
}

/** One folder of all of these, later ones over earlier ones. Links are followed, as a packaged layer has none. */
function merge(folders: readonly string[], directory: string): string {
  const target = join(directory, fingerprint(folders))
  if (existsSync(target)) return target
  const partial = `${target}.partial`
  mkdirSync(partial, { recursive: true })
  for (const folder of folders) cpSync(folder, partial, { recursive: true, dereference: true, force: true })
  renameSync(partial, target)
  return target
}

/** Changes with whatever a copy would have otherwise. */
function fingerprint(folders: readonly string[]): string {
  const hash = createHash('sha256')
  for (const folder of folders) {
    for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
      const { size, mtimeMs, mode } = statSync(join(folder, path))
      hash.update(`${path}\0${size} ${mtimeMs} ${mode}\0`)
    }
    hash.update('\0')
  }
  return hash.digest('hex').slice(0, 16)
}

function extensionsIn(folder: string): LayerContent['extensions'] {
  const directory = join(folder, 'extensions')
  if (!existsSync(directory)) return []
  const names = readdirSync(directory).sort()
  const files = names.filter((name) => statSync(join(directory, name)).isFile())
  return files.map((name) => ({ name, isExecutable: isExecutable(join(directory, name)) }))
}
