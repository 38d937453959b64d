import { externalShutdownMs, runtimeShareMs, shutdownMs } from '../limits.ts'
import { within } from '../within.ts'
import type { ExtensionsApi, ShutdownReason } from './extensions/extensions-api.ts'
import type { ExternalExtension } from './extensions/external.ts'
import type { ProcessGroup } from './process.ts'
import type { ProcessSet } from './process-set.ts'

export interface ShutDownOptions {
  /** Null before it was started. */
  readonly runtime: ProcessGroup | null
  readonly external: readonly ExternalExtension[]
  readonly extensions: Pick<ExtensionsApi, 'internal' | 'announceShutdown'>
  /** All of these. */
  readonly processes: ProcessSet
  readonly reason: ShutdownReason
  thaw(): void
}

/**
 * Ends processes as Lambda does. Without an extension at once. Else the runtime gets SIGTERM and 500 ms, or 300 where
 * all extensions are external; then those extensions that want to are told, and may take what is left of 2,000 ms. Who
 * is left is killed.
 *
 * Source: "Lambda execution environment lifecycle", shutdown phase, of the Lambda developer guide; the order is that of
 * AWS's runtime interface emulator.
 */
export async function shutDown(options: ShutDownOptions): Promise<void> {
  const { runtime, external, extensions, processes, reason, thaw } = options
  if (external.length === 0 && extensions.internal === 0) {
    processes.kill()
    return
  }
  const limitMs = external.length === 0 ? shutdownMs : externalShutdownMs
  const deadlineMs = Date.now() + limitMs
  const timer = setTimeout(() => processes.kill(), limitMs)
  if (runtime !== null) {
    runtime.signal('SIGTERM')
    thaw()
    await within(extensions.internal === 0 ? runtimeShareMs : shutdownMs, runtime.exited)
    runtime.kill()
  } else thaw()
  if (external.length > 0) {
    const told = extensions.announceShutdown(reason, deadlineMs)
    for (const { name, child } of external) if (!told.includes(name)) child.kill()
  }
  await Promise.all(external.map(({ child }) => child.exited))
  await runtime?.exited
  clearTimeout(timer)
}
