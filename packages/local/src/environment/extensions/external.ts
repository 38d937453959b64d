import { join } from 'node:path'
import type { TemporaryStorage } from '../../sandbox/temporary.ts'
import type { LayerContent } from '../function-spec.ts'
import type { Failure } from '../outcome.ts'
import { type ProcessExit, type ProcessGroup, startProcess } from '../process.ts'
import type { Reaper } from '../reaper.ts'
import { extensionLimit } from './extensions-api.ts'

/** An extension that is a process of its own. */
export interface ExternalExtension {
  /** Of its file, under which it registers. */
  readonly name: string
  readonly child: ProcessGroup
}

export interface ExternalOptions {
  readonly temporary: TemporaryStorage
  readonly variables: Readonly<Record<string, string>>
  readonly reaper: Reaper
  onLine(line: string): void
}

/** Why Lambda could not start them; null when it could. */
export function launchFailure({ extensions }: LayerContent): Failure | null {
  const fail = (errorMessage: string): Failure => ({ errorType: 'Extension.LaunchError', errorMessage })
  if (extensions.length > extensionLimit)
    return fail(`the layers have ${extensions.length} extensions, and Lambda starts ${extensionLimit}`)
  const bad = extensions.find(({ isExecutable }) => !isExecutable)
  return bad === undefined ? null : fail(`/opt/extensions/${bad.name}: permission denied`)
}

/** Starts every file of `extensions/`, in order of their names. */
export function startExternal(
  { extensions }: LayerContent,
  { temporary, variables, reaper, onLine }: ExternalOptions,
): readonly ExternalExtension[] {
  return extensions.map(({ name }) => {
    const child = startProcess({
      command: [join(temporary.opt ?? '/opt', 'extensions', name)],
      folder: '/',
      ...{ variables, temporary },
      onLine: (line) => onLine(`[${name}] ${line}`),
    })
    const { pid } = child
    if (pid !== null) {
      reaper.guard(pid)
      void child.exited.then(() => reaper.release(pid))
    }
    return { name, child }
  })
}

/** What Lambda answers when an extension ends that nobody told to. */
export function crashFailure(name: string, exit: ProcessExit): Failure {
  const how =
    exit.error?.message ?? (exit.signal === null ? `exit status ${exit.code}` : `signal: ${exit.signal}`)
  return { errorType: 'Extension.Crash', errorMessage: `extension ${name} ended: ${how}` }
}
