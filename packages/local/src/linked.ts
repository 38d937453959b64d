import { readFileSync, realpathSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'

/**
 * The folders of packages that an application uses and that lie elsewhere as sources: dependencies that are linked into
 * `node_modules` as workspaces are, and what those depend on likewise. Without those that hold the application or lie
 * in it, and without any that cannot be found.
 */
export function linkedPackages(root: string): string[] {
  const found = new Set<string>()
  const waiting = [realpathSync(root)]
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for (const name of dependenciesOf(folder)) {
      const linked = find(folder, name)
      if (linked === null || linked.split(sep).includes('node_modules') || found.has(linked)) continue
      found.add(linked)
      waiting.push(linked)
    }
  }
  return [...found].filter((folder) => !holds(folder, root) && !holds(root, folder)).sort()
}

function dependenciesOf(folder: string): string[] {
  try {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return Object.keys({ ...dependencies, ...devDependencies })
  } catch {
    // Without dependencies, or being written: nothing runs that could not run without.
    return []
  }
}

/** As Node looks for it: in the nearest `node_modules` that has it. */
function find(from: string, name: string): string | null {
  try {
    return realpathSync(join(from, 'node_modules', name))
  } catch {
    return dirname(from) === from ? null : find(dirname(from), name)
  }
}

function holds(folder: string, path: string): boolean {
  return !relative(folder, path).startsWith('..')
}
