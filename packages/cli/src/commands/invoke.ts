import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { text as readText } from 'node:stream/consumers'
import { type LoadedApp, loadApp } from '@thaw/app'
import { simulate } from '@thaw/local'
import { type Command, type Io, textValue, type Values } from '../command.ts'
import { devEnvironment } from '../dev/environment.ts'
import { type Answer, type Invocation, invoke, unknownFunction } from '../dev/invocation.ts'
import { askSimulator, findRunning } from '../dev/running.ts'
import { InvokeError, UsageError } from '../errors.ts'

const usage = 'thaw invoke NAME [--payload JSON | --file F | -] [--async] [--app DIR | --url URL | --port N]'

export const command: Command = {
  summary: 'Invoke a function of the running thaw dev, or run it once without one',
  usage,
  maxPositionals: 2,
  options: {
    payload: { type: 'string', value: 'JSON', help: 'the event; that of its schedule, or {}, when absent' },
    file: { type: 'string', value: 'F', help: "where the event is; '-' alone takes it from standard input" },
    async: { type: 'boolean', help: 'only hand the event over, as InvocationType Event does' },
    app: { type: 'string', value: 'DIR', help: 'whose function; the current folder when absent' },
    url: { type: 'string', value: 'URL', help: "the simulator's address for AWS clients, instead of --app" },
    port: { type: 'string', short: 'p', value: 'N', help: 'the same, on this machine' },
  },
  async run([functionName, dash], values, io) {
    if (functionName === undefined) throw new UsageError(`Which function? Usage: ${usage}`)
    const given = readUrl(values)
    const event = { functionName, payload: await readPayload(dash, values, io) }
    const asynchronous = values.async === true
    if (given !== null) return show(await invokeAt({ ...event, awsUrl: given, asynchronous, log: true }), io)

    const loaded = await loadApp(resolve(io.directory, textValue(values, 'app') ?? '.'))
    const { awsUrl } = (await findRunning(loaded.root)) ?? {}
    if (awsUrl !== undefined) return show(await invokeAt({ ...event, awsUrl, asynchronous, log: true }), io)
    if (asynchronous) {
      throw new UsageError('Nothing runs that would take the event: start thaw dev, or leave out --async.')
    }
    return show(await invokeOnce(loaded, event, values, io), io)
  },
}

function show({ payload, failed, requestId, log }: Answer, io: Io): number {
  for (const line of log) io.err(line)
  if (payload === '') io.err(`accepted as ${requestId}`)
  else io.out(payload)
  return failed ? 1 : 0
}

async function invokeAt(invocation: Invocation): Promise<Answer> {
  const info = await askSimulator(invocation.awsUrl).catch((error: Error) => {
    const reason = error.cause instanceof Error ? error.cause.message : error.message
    const message = `there is no simulator at ${invocation.awsUrl}: ${reason}`
    throw new InvokeError('SIMULATOR_UNREACHABLE', message, { cause: error })
  })
  return await invoke(invocation, info)
}

/** Starts a simulator, for this invocation only. */
async function invokeOnce(
  loaded: LoadedApp,
  event: Pick<Invocation, 'functionName' | 'payload'>,
  values: Values,
  io: Io,
): Promise<Answer> {
  const { name, functions } = loaded.app
  // Before anything is started.
  if (!functions.some((fn) => fn.name === event.functionName)) {
    throw unknownFunction(event.functionName, name, functions)
  }
  const simulator = await simulate(loaded, {
    environment: (of) => devEnvironment(of, io.environment, { packaged: false }),
    log: (line, kind) => {
      if (kind !== 'platform' || values.verbose === true) io.err(line)
    },
  })
  try {
    const answer = await invokeAt({ ...event, awsUrl: simulator.awsUrl, asynchronous: false, log: true })
    // The log was shown as it came; it was asked for because its end is waited for.
    return { ...answer, log: [] }
  } finally {
    await simulator.close()
  }
}

function readUrl(values: Values): string | null {
  const url = textValue(values, 'url')
  const port = textValue(values, 'port')
  const ways = [url, port, textValue(values, 'app')].filter((value) => value !== null)
  if (ways.length > 1) throw new UsageError('--app, --url and --port say the same thing: give one of them.')
  if (port !== null) {
    if (/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)
      return `http://127.0.0.1:${port}`
    throw new UsageError(`--port takes a number from 1 to 65535, not '${port}'`)
  }
  if (url === null) return null
  if (/^http:$/.test(URL.parse(url)?.protocol ?? '')) return url.replace(/\/+$/, '')
  throw new UsageError(`--url takes an address such as http://127.0.0.1:3001, not '${url}'`)
}

/** The event as JSON; null when none is given. */
async function readPayload(dash: string | undefined, values: Values, io: Io): Promise<string | null> {
  const payload = textValue(values, 'payload')
  const file = textValue(values, 'file')
  if (dash !== undefined && dash !== '-')
    throw new UsageError(`'${dash}' is one argument too many. Usage: ${usage}`)
  if ([payload, file, dash].filter((value) => typeof value === 'string').length > 1) {
    throw new UsageError("--payload, --file and '-' all give the event: take one of them.")
  }
  if (payload !== null) return json(payload, '--payload')
  if (file !== null) return json(await readFile(resolve(io.directory, file), 'utf8'), file)
  return dash === undefined ? null : json(await readText(process.stdin), 'standard input')
}

function json(text: string, from: string): string {
  try {
    JSON.parse(text)
    return text
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new UsageError(`What ${from} gives is no JSON: ${reason}`)
  }
}
