import { PackageTooLargeError } from '../errors.ts'
import type { DependencySize, PackageLimits } from './model.ts'

/** Source: "Lambda quotas", deployment package size. */
export const lambdaLimits: PackageLimits = { zippedBytes: 50 * 2 ** 20, unzippedBytes: 250 * 2 ** 20 }

/** Throws `PackageTooLargeError` that names the limit and the heaviest packages. */
export function checkLimits(
  fn: {
    readonly name: string
    readonly bytes: number
    readonly unzippedBytes: number
    readonly dependencies: readonly DependencySize[]
  },
  limits: PackageLimits,
): void {
  const check = (kind: string, bytes: number, limit: number) => {
    if (bytes <= limit) return
    const heaviest = fn.dependencies.slice(0, 5).map(({ name, bytes }) => `${name} ${formatBytes(bytes)}`)
    const message =
      `The package of '${fn.name}' has ${formatBytes(bytes)} ${kind}, and Lambda takes ${formatBytes(limit)}. ` +
      `Heaviest in it: ${heaviest.join(', ')}. Import less, or import lazily what one function alone needs there.`
    throw new PackageTooLargeError(fn.name, bytes, limit, message)
  }
  check('unzipped', fn.unzippedBytes, limits.unzippedBytes)
  check('zipped', fn.bytes, limits.zippedBytes)
}

/** `1.2 MB`, with powers of 1,024 as Lambda's limits count. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  if (bytes < 2 ** 20) return `${(bytes / 1024).toFixed(1)} KB`
  return `${(bytes / 2 ** 20).toFixed(1)} MB`
}
