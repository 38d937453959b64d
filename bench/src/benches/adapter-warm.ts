import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { temporaryDirectory } from '@thaw/testing'
import {
  albEvent,
  httpApiEvent,
  restApiEvent,
  type SentRequest,
} from '../../../packages/lambda/test/events.ts'
import { type Contestant, expressPeers, peers, thawExpress, thawHono } from '../adapter/adapters.ts'
import { bundleEntry } from '../adapter/bundle.ts'
import { browserHeaders } from '../adapter/requests.ts'
import { fastest } from '../adapter/versus.ts'
import { median, report } from '../report.ts'
import type { Bench } from './index.ts'

const ROUNDS = 7
const PROGRAM = fileURLToPath(new URL('../adapter/warm.mjs', import.meta.url))

const small: SentRequest = {
  method: 'GET',
  target: '/api/stats?month=2026-11&category=food',
  headers: browserHeaders,
  body: new Uint8Array(),
}
const echoed = JSON.stringify(Array.from({ length: 1_000 }, (_, id) => ({ id, text: 'x'.repeat(79) })))
const large: SentRequest = {
  method: 'POST',
  target: '/api/echo',
  headers: [...browserHeaders, ['Content-Type', 'application/json']],
  body: Buffer.from(echoed),
}
const LOADS = [
  { name: 'v2', event: httpApiEvent(small), calls: 8_000 },
  { name: 'v1', event: restApiEvent(small), calls: 8_000 },
  { name: 'alb', event: albEvent(small, true), calls: 8_000 },
  { name: 'echo100k', event: httpApiEvent(large), calls: 1_500 },
]
const SERIES = [
  { suffix: '', ours: thawHono, others: peers },
  { suffix: '.express', ours: thawExpress, others: expressPeers },
]
const MEASURES = [
  { suffix: '', key: 'wall' },
  { suffix: '.cpu', key: 'cpu' },
] as const

interface PerCall {
  readonly wall: number
  readonly cpu: number
}

/**
 * A call of a warm handler, in µs from event to answer, beside the same of other adapters. With `.cpu` the processor's
 * time of the whole process, threads that collect garbage included; with `.express` the same application of Express
 * on both sides.
 */
export const adapterWarm: Bench = {
  names: LOADS.flatMap(({ name }) => linesOf(name)),
  async run(wanted) {
    await using directory = await temporaryDirectory('thaw-bench')
    const all = [thawHono, thawExpress, ...peers]
    const bundles = new Map<Contestant, string>()
    for (const each of all) bundles.set(each, await bundleEntry(each, directory.path))
    const loads = LOADS.filter(({ name }) => linesOf(name).some(wanted))
    for (const { name, event, calls } of loads) {
      const file = join(directory.path, `${name}.json`)
      writeFileSync(file, JSON.stringify(event))
      const results = new Map<Contestant, PerCall[]>(all.map((each) => [each, []]))
      for (let round = 0; round < ROUNDS; round++) {
        for (const each of all) results.get(each)?.push(await warm(bundles.get(each) ?? '', file, calls))
      }
      reportLoad(`adapter.warm.${name}`, results)
    }
  },
}

function linesOf(load: string): string[] {
  return SERIES.flatMap((series) =>
    MEASURES.map((measure) => `adapter.warm.${load}${series.suffix}${measure.suffix}`),
  )
}

function reportLoad(bench: string, results: ReadonlyMap<Contestant, readonly PerCall[]>): void {
  for (const series of SERIES) {
    for (const { suffix, key } of MEASURES) {
      const of = (each: Contestant) => median((results.get(each) ?? []).map((perCall) => perCall[key]))
      report({
        bench: `${bench}${series.suffix}${suffix}`,
        value: of(series.ours),
        unit: 'µs',
        reference: fastest(new Map(series.others.map((each) => [each.name, of(each)]))),
      })
    }
  }
}

async function warm(bundle: string, eventFile: string, calls: number): Promise<PerCall> {
  const env = { PATH: process.env.PATH ?? '' }
  const args = [PROGRAM, bundle, eventFile, String(calls)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env })
  return JSON.parse(stdout)
}
