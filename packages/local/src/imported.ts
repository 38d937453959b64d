import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** `from './x.ts'`, `import './x.ts'`, `import('./x.ts')`, `require('./x')`: what is named by its path. */
const byPath = /\b(?:from|import|require)\b[\s(]*(['"`])(\.{1,2}\/[^'"`\n]+)\1/g

const isCode = /\.[cm]?[jt]s$/

/**
 * The files that these modules consist of, as far as one names the other by its path: absolute, the modules themselves
 * first. It looks at the text alone, so that a comment may name one too many, and a path that is put together none. A
 * file that is missing is one of them, where it should be; packages are not.
 *
 * @param entries absolute paths of modules
 */
export function importedFiles(entries: readonly string[]): string[] {
  const found = new Set(entries)
  for (const file of found) {
    if (!isCode.test(file)) continue
    for (const [, , specifier = ''] of textOf(file).matchAll(byPath)) found.add(resolveFrom(file, specifier))
  }
  return [...found]
}

/** Nothing for what is missing, or no text. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function resolveFrom(file: string, specifier: string): string {
  const path = fileURLToPath(new URL(specifier, pathToFileURL(file)))
  try {
    // Without links, for it is there that a file changes; and `require` may leave the ending out.
    return createRequire(file).resolve(path)
  } catch {
    return path
  }
}
