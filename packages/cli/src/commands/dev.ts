import { join, resolve } from 'node:path'
import { type LoadedApp, loadApp } from '@thaw/app'
import { type FunctionPackage, LocalError, type SimulateOptions, type Simulator, simulate } from '@thaw/local'
import { type Command, type Io, textValue, type Values } from '../command.ts'
import { banner } from '../dev/banner.ts'
import { chaosCommandOptions, readChaos } from '../dev/chaos.ts'
import { claimProject } from '../dev/claim.ts'
import { devEnvironment } from '../dev/environment.ts'
import { choosePorts } from '../dev/ports.ts'
import { listenForQuit } from '../dev/quit.ts'
import { announce } from '../dev/running.ts'
import { UsageError } from '../errors.ts'

const defaultPort = 3000
const defaultInspectPort = 9229

export const command: Command = {
  summary: 'Run the application on this machine, in real isolated environments',
  usage:
    'thaw dev [DIR] [--port N] [--host H] [--packaged] [--inspect FUNCTION [--inspect-port N]] [--chaos [--seed S] [--chaos-rate X]]',
  options: {
    port: {
      type: 'string',
      short: 'p',
      value: 'N',
      help: `where to listen; ${defaultPort} when absent, the next one when it is taken`,
    },
    host: { type: 'string', value: 'H', help: 'address to listen on; 127.0.0.1 when absent' },
    packaged: { type: 'boolean', help: 'build, and run the very zips that would be deployed' },
    inspect: {
      type: 'string',
      value: 'FUNCTION',
      help: 'let a debugger be attached, without time limits and freezes; several with commas',
    },
    'inspect-port': {
      type: 'string',
      value: 'N',
      help: `where the first debugger is attached; ${defaultInspectPort} when absent`,
    },
    ...chaosCommandOptions,
  },
  async run([directory = '.'], values, io) {
    const port = readPort(values, 'port') ?? defaultPort
    const packaged = values.packaged === true
    const host = readHost(values)
    const inspected = readInspected(values)
    const chaos = readChaos(values)
    const wanted = { packaged, chaos: chaos !== null }
    const loaded = await load(resolve(io.directory, directory), packaged, io)
    const quit = listenForQuit()
    try {
      using _claim = await claimProject(loaded.root)
      const simulator = await start(port, io, loaded, {
        host,
        environment: (of) => devEnvironment(of, io.environment, wanted),
        inspect: { functions: inspected, port: readPort(values, 'inspect-port') ?? defaultInspectPort },
        ...(chaos !== null && { chaos }),
        log: (line, kind) => {
          if (kind !== 'platform' || values.verbose === true) io.out(line)
        },
        ...(packaged ? { packages: await build(loaded, io) } : { watch: true }),
      })
      try {
        using _announcement = await announce(simulator)
        for (const line of describe(simulator, { ...wanted, inspected }, io)) io.out(line)
        return await quit.wanted
      } finally {
        await simulator.close()
      }
    } finally {
      quit.close()
    }
  },
}

/** Sources that are missing are named and can be made later; a package cannot be made without them. */
async function load(path: string, packaged: boolean, io: Io): Promise<LoadedApp> {
  if (packaged) return await loadApp(path)
  return await loadApp(path, { onMissing: ({ at, message }) => io.err(`warning: ${at}: ${message}`) })
}

function readPort(values: Values, name: string): number | null {
  const text = textValue(values, name)
  if (text === null) return null
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text)
  throw new UsageError(`--${name} takes a number from 0 to 65535, not '${text}'`)
}

/** An empty one would be every address there is. */
function readHost(values: Values): string {
  const host = textValue(values, 'host') ?? '127.0.0.1'
  if (host !== '') return host
  throw new UsageError("--host takes an address such as 127.0.0.1, or 0.0.0.0 for every one, not ''")
}

function readInspected(values: Values): string[] {
  const text = textValue(values, 'inspect')
  if (text === null) {
    if (textValue(values, 'inspect-port') === null) return []
    throw new UsageError('--inspect-port goes with --inspect')
  }
  const names = text.split(',').map((name) => name.trim())
  const found = names.filter((name) => name !== '')
  if (found.length > 0) return found
  throw new UsageError(`--inspect takes names of functions, with commas in between, not '${text}'`)
}

/** How often ports are chosen again that somebody else has taken meanwhile. */
const startTries = 5

/** Starts the simulator on the port, or on the next one that is free. */
async function start(port: number, io: Io, loaded: LoadedApp, options: SimulateOptions): Promise<Simulator> {
  for (let tries = 1; ; tries++) {
    const { s3Port, ...ports } = await choosePorts(options.host ?? '127.0.0.1', port)
    const bucket = { ...options.bucket, directory: join(loaded.root, '.thaw', 's3'), port: s3Port }
    try {
      const simulator = await simulate(loaded, { ...options, ...ports, bucket })
      if (ports.port !== port) io.err(`port ${port} is in use; took ${ports.port}`)
      return simulator
    } catch (error) {
      const taken = error instanceof LocalError && error.code === 'PORT_IN_USE'
      if (!taken || tries === startTries) throw error
    }
  }
}

/** Loads what packages functions only when it is wanted. */
async function build(loaded: LoadedApp, io: Io): Promise<readonly FunctionPackage[]> {
  const { buildApp } = await import('@thaw/deploy')
  const result = await buildApp(loaded, { outDir: join(loaded.root, '.thaw', 'build') })
  for (const warning of result.warnings) io.err(`warning: ${warning}`)
  return result.functions
}

function describe(
  { loaded, url, awsUrl, s3Url, isolation, chaos }: Simulator,
  options: { readonly packaged: boolean; readonly chaos: boolean; readonly inspected: readonly string[] },
  io: Io,
): string[] {
  return banner({
    ...{ packaged: options.packaged, inspected: options.inspected },
    ...{ app: loaded.app, url, awsUrl, s3Url, isolation },
    databaseUrl: devEnvironment(loaded, io.environment, options).DATABASE_URL ?? null,
    more: chaos === null ? [] : [['chaos', `seed ${chaos.seed}; a report comes at the end`]],
    interactive: process.stdin.isTTY,
    nowMs: Date.now(),
  })
}
