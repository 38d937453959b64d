import { join, resolve } from 'node:path'
import { type App, type LoadedApp, loadApp } from '@thaw/app'
import { type FunctionPackage, LocalError, type SimulateOptions, type Simulator, simulate } from '@thaw/local'
import { type Command, type Io, textValue, type Values } from '../command.ts'
import { chaosCommandOptions, readChaos } from '../dev/chaos.ts'
import { devEnvironment, hideSecrets } from '../dev/environment.ts'
import { listenForQuit } from '../dev/quit.ts'
import { announce } from '../dev/running.ts'
import { UsageError } from '../errors.ts'
import { columns } from '../help.ts'

const defaultPort = 3000

/** How many ports are tried before giving up. */
const portTries = 20

export const command: Command = {
  summary: 'Run the application on this machine, in real isolated environments',
  usage: 'thaw dev [DIR] [--port N] [--host H] [--packaged] [--chaos [--seed S] [--chaos-rate X]]',
  options: {
    port: {
      type: 'string',
      short: 'p',
      value: 'N',
      help: `where to listen; ${defaultPort} when absent, the next one when it is taken`,
    },
    host: { type: 'string', value: 'H', help: 'address to listen on; 127.0.0.1 when absent' },
    packaged: { type: 'boolean', help: 'build, and run the very zips that would be deployed' },
    ...chaosCommandOptions,
  },
  async run([directory = '.'], values, io) {
    const port = readPort(values)
    const packaged = values.packaged === true
    const chaos = readChaos(values)
    const wanted = { packaged, chaos: chaos !== null }
    const loaded = await loadApp(resolve(io.directory, directory))
    const quit = listenForQuit()
    try {
      const simulator = await start(port, io, loaded, {
        host: textValue(values, 'host') ?? '127.0.0.1',
        bucket: { directory: join(loaded.root, '.thaw', 's3') },
        environment: (of) => devEnvironment(of, io.environment, wanted),
        ...(chaos !== null && { chaos }),
        log: (line, kind) => {
          if (kind !== 'platform' || values.verbose === true) io.out(line)
        },
        ...(packaged ? { packages: await build(loaded, io) } : { watch: true }),
      })
      try {
        await using _announcement = await announce(simulator)
        for (const line of banner(simulator, io, wanted)) io.out(line)
        return await quit.wanted
      } finally {
        await simulator.close()
      }
    } finally {
      quit.close()
    }
  },
}

function readPort(values: Values): number {
  const text = textValue(values, 'port')
  if (text === null) return defaultPort
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text)
  throw new UsageError(`--port takes a number from 0 to 65535, not '${text}'`)
}

/** Starts the simulator on the port, or on the next one that is free. */
async function start(port: number, io: Io, loaded: LoadedApp, options: SimulateOptions): Promise<Simulator> {
  for (let candidate = port; ; candidate++) {
    try {
      const simulator = await simulate(loaded, {
        ...options,
        port: candidate,
        awsPort: candidate === 0 || candidate === 65_535 ? 0 : candidate + 1,
      })
      if (candidate !== port) io.err(`port ${port} is in use; took ${candidate}`)
      return simulator
    } catch (error) {
      const taken = error instanceof LocalError && error.code === 'PORT_IN_USE'
      if (!taken || candidate >= Math.min(port + portTries, 65_535)) throw error
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

const places = {
  namespace: 'each environment has its own',
  folder: "each environment has a folder, named by TMPDIR; '/tmp' itself is this machine's",
} as const

function banner(simulator: Simulator, io: Io, wanted: Parameters<typeof devEnvironment>[2]): string[] {
  const { app } = simulator.loaded
  const url = devEnvironment(simulator.loaded, io.environment, wanted).DATABASE_URL
  const routes = app.functions.flatMap((fn) =>
    (fn.kind === 'http' ? fn.routes : []).map(({ key }, index): [string, string] => [
      index === 0 ? fn.name : '',
      key === '$default' ? 'everything else' : key,
    ]),
  )
  return [
    '',
    `${app.name} is at ${simulator.url}`,
    '',
    ...columns(routes),
    '',
    ...sources(app),
    `  aws lambda invoke --endpoint-url ${simulator.awsUrl}, or thaw invoke`,
    ...(url === undefined ? [] : [`  database: ${hideSecrets(url)}`]),
    ...(app.functions.some((fn) => fn.kind === 'socket')
      ? [`  WebSocket API: ${simulator.url.replace('http', 'ws')}`]
      : []),
    `  S3: ${simulator.s3Url} (kept in .thaw/s3)`,
    `  /tmp: ${places[simulator.isolation]}`,
    wanted.packaged
      ? '  running packages; changes of the sources do not count'
      : '  replaces environments when sources change',
    ...(simulator.chaos === null ? [] : [`  CHAOS: seed ${simulator.chaos.seed}; reports when it ends`]),
    process.stdin.isTTY ? '  q or Ctrl-C ends it' : '  Ctrl-C ends it',
    '',
  ]
}

/** What invokes functions besides requests. */
function sources({ functions }: App): string[] {
  const rows = functions.flatMap((fn): [string, string][] => {
    if (fn.kind === 'queue') return [[fn.name, `queue${fn.queue.fifo ? ' (FIFO)' : ''}`]]
    if (fn.kind !== 'schedule') return []
    return [[fn.name, fn.enabled ? fn.schedule : `${fn.schedule}, not enabled`]]
  })
  return rows.length === 0 ? [] : [...columns(rows), '']
}
