import { examine, makeTrials, type Score } from '../adapter/conformance/run.ts'
import { type Subject, subjects } from '../adapter/conformance/subjects.ts'
import { report } from '../report.ts'
import type { Bench } from './index.ts'

const names = ['adapter.conformance', 'adapter.conformance.express']

/**
 * The share of checks that hold over events of every front: that an application receives what a plain server of Node
 * receives of the same request, and that a client gets what the application answered. Adapters are not asked about
 * fronts that they do not say they can be behind, nor about what a front does not tell.
 */
export const adapterConformance: Bench = {
  names,
  async run(_wanted, isVerbose) {
    const trials = await makeTrials()
    const scores = new Map<Subject, Score>()
    for (const subject of subjects) scores.set(subject, await examine(subject, trials))
    const ours = subjects.filter(({ isOurs }) => isOurs)
    const peers = subjects.filter(({ isOurs }) => !isOurs)
    const share = (subject: Subject) => {
      const { passed, failed } = scores.get(subject) ?? { passed: 0, failed: [] }
      return (100 * passed) / (passed + failed.length)
    }
    peers.sort((a, b) => share(b) - share(a))
    const [best] = peers
    if (!best) throw new Error('there is no peer to compare with')
    const all = peers.map((peer) => `${peer.name} ${share(peer).toFixed(1)}`).join(', ')
    ours.forEach((subject, index) => {
      const reference = { what: `the most of ${all}`, value: share(best) }
      report({ bench: names[index] ?? '', value: share(subject), unit: '%', reference })
    })
    if (isVerbose) for (const [subject, score] of scores) describe(subject, score)
  },
}

function describe({ name }: Subject, { passed, failed }: Score): void {
  process.stderr.write(`${name}: ${passed} of ${passed + failed.length}\n`)
  for (const check of failed) process.stderr.write(`  ${check}\n`)
}
