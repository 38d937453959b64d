import { type App, functionVariables, type LoadedApp, queueUrlVariable } from '@thaw/app'
import type { BuildResult } from '../build/model.ts'
import { SynthError } from '../errors.ts'
import { frontProblems } from './fronts.ts'
import { layerProblems } from './layer-folder.ts'
import { writeBehindProblems } from './write-behind.ts'

/** Source: "Lambda quotas", environment variables (all of a function's together). */
const environmentBytes = 4096
/** What Thaw's own variables take at most: the stage twice, the URL with the longest bucket name. */
const ownEnvironmentBytes = 256
/** The address of a queue without its name, in the longest region and partition. */
const queueAddressBytes = 64
/** The variable of the management API of sockets, and its address. */
const socketEnvironmentBytes = 160
const functionNameCharacters = 64

/** `<app>-<stage>`: the stack, and the folder of its data in the bucket. */
export function stackNameOf(appName: string, stage: string): string {
  return `${appName}-${stage}`
}

/** Name of a function on Lambda. */
export function functionNameOf(stackName: string, name: string): string {
  return `${stackName}-${name}`
}

/** An output about one function: `WeeklyRecapQueueUrl` for `weekly-recap`. */
export function outputNameOf(name: string, what: string): string {
  const words = name.split(/[-_]/).filter((word) => word !== '')
  return `${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')}${what}`
}

/**
 * Throws `SynthError` when AWS would refuse a name or a size, when the build is not of this application, or when the
 * configuration cannot work. All of it at once.
 */
export function checkDeployment(loaded: LoadedApp, build: BuildResult, stage: string): void {
  const { app, configFile } = loaded
  const problems: string[] = []
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(stage) || stage.length > 16) {
    const rule = `lower-case letters, digits and single '-', a letter first, at most 16 characters`
    problems.push(`'${stage}' cannot name a stage: ${rule}`)
  }
  const shared = sharedEnvironmentBytes(app, stage)
  for (const fn of app.functions) {
    const built = build.functions.find(({ name }) => name === fn.name)
    if (built === undefined) {
      problems.push(`the build has no function '${fn.name}', which ${configFile} defines: build again`)
    }
    const fullName = functionNameOf(stackNameOf(app.name, stage), fn.name)
    if (fullName.length > functionNameCharacters) {
      const long = `'${fullName}' has ${fullName.length} characters and Lambda takes ${functionNameCharacters}`
      problems.push(`${long}: shorten the name of the application, the stage or the function`)
    }
    const bytes = sizeOf({ ...built?.environment, ...functionVariables(fn) }) + shared
    if (bytes > environmentBytes) {
      const large = `the variables of '${fn.name}' take ${bytes} bytes with Thaw's own, and Lambda takes ${environmentBytes}`
      problems.push(`${large}: keep long values in a file of the project`)
    }
  }
  if (app.database?.maintenance && build.maintenance === null) {
    problems.push(`the build has no maintenance function, which ${configFile} asks for: build again`)
  }
  problems.push(...outputProblems(app), ...frontProblems(app), ...writeBehindProblems(app))
  problems.push(...layerProblems(loaded, build))
  if (problems.length > 0) throw new SynthError(problems.join('\n'))
}

/** What Thaw's own variables take in every function, at most. */
function sharedEnvironmentBytes({ name, functions }: App, stage: string): number {
  const queues = functions
    .filter(({ kind }) => kind === 'queue')
    .map((fn) => functionNameOf(stackNameOf(name, stage), fn.name).length + queueUrlVariable(fn.name).length)
  const ofQueues = queues.reduce((total, length) => total + length + queueAddressBytes, 0)
  return (
    ownEnvironmentBytes +
    ofQueues +
    (functions.some(({ kind }) => kind === 'socket') ? socketEnvironmentBytes : 0)
  )
}

/** Names of outputs have letters and digits only, so that two functions may come to the same. */
function outputProblems({ functions }: App): string[] {
  const owners = new Map<string, string>()
  return functions.flatMap(({ name }) => {
    const base = outputNameOf(name, '').toLowerCase()
    const owner = owners.get(base)
    owners.set(base, name)
    return owner === undefined ? [] : [`'${owner}' and '${name}' would have outputs of one name: rename one`]
  })
}

function sizeOf(environment: Readonly<Record<string, string>>): number {
  return Object.entries(environment).reduce(
    (total, [name, value]) => total + Buffer.byteLength(name) + Buffer.byteLength(value),
    0,
  )
}
