import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { installServerlessOffline, type Peer, startServerlessOffline } from '../local/serverless-offline.ts'
import { type Load, load, type Subject, startSubject } from '../local/subject.ts'
import { median, report } from '../report.ts'
import type { Bench } from './index.ts'

const ROUNDS = 5
const COLD_ROUNDS = 15
const LOAD_MS = 3_000
/** Of each, before the first round: what is compiled while it runs is not to be measured. */
const WARM_UP_MS = 4_000
const CONNECTIONS = { one: 1, eight: 8 } as const

const names = ['local.warm', 'local.rps8', 'local.cold', 'local.memory']

/**
 * The simulator over a function that does nothing, beside serverless-offline with the same function, which runs it in
 * worker threads and isolates, freezes and limits nothing: how long a request takes over one connection, how many are
 * answered over eight, how long one takes that finds no environment, and how much memory an idle environment has (the
 * proportional set size; of serverless-offline, that of its one process with one function loaded).
 */
export const localBench: Bench = {
  names,
  async run(wanted, isVerbose) {
    const problem = await installServerlessOffline().then(
      () => null,
      (error: Error) => error.message,
    )
    if (problem !== null) {
      process.stderr.write(
        `${names.join(', ')}: not measured, serverless-offline cannot be installed: ${problem}\n`,
      )
      return
    }
    const subject = await startSubject()
    if (isVerbose) process.stderr.write(`isolation: ${subject.isolation}\n`)
    try {
      const peer = await startServerlessOffline(COLD_ROUNDS)
      try {
        // Before the peer has started workers for other functions.
        if (wanted('local.memory')) await memory(subject, peer)
        if (wanted('local.cold')) await cold(subject, peer)
        if (wanted('local.warm') || wanted('local.rps8')) await warm(wanted, isVerbose, subject, peer)
      } finally {
        await peer.close()
      }
    } finally {
      await subject.close()
    }
  },
}

/** Each cold start of the peer is that of another function; what they share is loaded before the first that counts. */
async function cold(subject: Subject, peer: Peer): Promise<void> {
  const url = `${subject.url}/hello`
  const ours: number[] = []
  const theirs: number[] = []
  await firstAnswer(url)
  await firstAnswer(peer.url)
  for (const untouched of peer.untouched) {
    await subject.kill()
    ours.push(await firstAnswer(url))
    theirs.push(await firstAnswer(untouched))
  }
  const reference = { what: 'serverless-offline: a new worker thread', value: median(theirs) }
  report({ bench: 'local.cold', value: median(ours), unit: 'ms', reference })
}

async function memory(subject: Subject, peer: Peer): Promise<void> {
  const ours: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    await subject.kill()
    for (let requests = 0; requests < 20; requests++) {
      await firstAnswer(`${subject.url}/hello`)
      await firstAnswer(peer.url)
    }
    const [frozen] = await subject.environments()
    if (frozen?.pid === undefined || frozen.pid === null) throw new Error('there is no environment')
    ours.push(proportionalBytes(frozen.pid))
  }
  const reference = {
    what: 'the process of serverless-offline, with the worker of one function',
    value: proportionalBytes(peer.pid),
  }
  report({ bench: 'local.memory', value: median(ours), unit: 'bytes', reference })
}

async function warm(
  wanted: (name: string) => boolean,
  isVerbose: boolean,
  subject: Subject,
  peer: Peer,
): Promise<void> {
  const sides = { ours: `${subject.url}/hello`, theirs: peer.url }
  const loads = { ours: { one: [], eight: [] }, theirs: { one: [], eight: [] } } as Record<
    keyof typeof sides,
    Record<keyof typeof CONNECTIONS, Load[]>
  >
  for (const url of Object.values(sides)) await load(url, CONNECTIONS.eight, WARM_UP_MS)
  for (let round = 0; round < ROUNDS; round++) {
    for (const connections of ['one', 'eight'] as const) {
      for (const side of ['ours', 'theirs'] as const) {
        const result = await load(sides[side], CONNECTIONS[connections], LOAD_MS)
        loads[side][connections].push(result)
        if (isVerbose) process.stderr.write(`${side} ${connections}: ${JSON.stringify(result)}\n`)
      }
    }
  }
  const p50 = (side: keyof typeof sides) => median(loads[side].one.map((one) => one.p50))
  const rate = (side: keyof typeof sides) =>
    median(loads[side].eight.map(({ requests, ms }) => (requests * 1_000) / ms))
  const what = 'serverless-offline, without isolation'
  if (wanted('local.warm')) {
    report({ bench: 'local.warm', value: p50('ours'), unit: 'ms', reference: { what, value: p50('theirs') } })
  }
  if (wanted('local.rps8')) {
    report({
      bench: 'local.rps8',
      value: rate('ours'),
      unit: 'requests/s',
      reference: { what, value: rate('theirs') },
    })
  }
}

/** Milliseconds from a request to its whole answer, over a connection of its own. */
async function firstAnswer(url: string): Promise<number> {
  // Not while what was just ended is still being cleared away.
  await sleep(100)
  const startedAt = performance.now()
  await new Promise<void>((resolve, reject) => {
    const asked = request(url, { agent: false }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url} answered with ${response.statusCode}`))
      response.resume().on('end', resolve)
    })
    asked.on('error', reject).end()
  })
  return performance.now() - startedAt
}

function proportionalBytes(pid: number): number {
  const kb = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1]
  return Number(kb) * 1024
}
