import { appendFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'

/**
 * Makes Node find the source maps of an unpacked package, which are no part of it: they are copied from `maps` to
 * `target`, with absolute paths of their sources, and each module gets a last line that names its own. Files in `maps`
 * without a module are left alone; without the folder nothing is done.
 */
export async function linkSourceMaps(directory: string, maps: string, target: string): Promise<void> {
  const names = await readdir(maps, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  for (const name of names) {
    const module = join(directory, name.replace(/\.map$/, ''))
    if (!name.endsWith('.map') || !(await isFile(module))) continue
    const map = JSON.parse(await readFile(join(maps, name), 'utf8')) as { sources: string[] }
    const sources = map.sources.map((source) => resolve(dirname(join(maps, name)), source))
    await mkdir(dirname(join(target, name)), { recursive: true })
    await writeFile(join(target, name), JSON.stringify({ ...map, sources }))
    // Node reads maps of relative addresses only.
    const way = relative(dirname(module), join(target, name)).split(sep).map(encodeURIComponent).join('/')
    await appendFile(module, `\n//# sourceMappingURL=${way}\n`)
  }
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() === true
}
