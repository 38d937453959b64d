import type { Mutant } from './mutant.ts'

/** Bugs of restores in place. */
export const replaceMutants: readonly Mutant[] = [
  {
    name: 'a restore publishes on a stale head',
    file: 'operations/replace.ts',
    from: 'const newest = await follow(run, head, winner)',
    to: 'const newest = { ...head, position: winner }',
  },
  {
    name: 'what others write meanwhile is not compared with the state to come',
    file: 'operations/head-copy.ts',
    from: 'differAfter(differing, link, before, target)\n',
    to: 'void [differAfter, before]\n',
  },
  {
    name: 'what a change cuts off of the head is not published',
    file: 'operations/state-file.ts',
    from: 'for (let page = change.pageCount + 1; page <= Math.min(headPages, pageCount); page++) differing.add(page)',
    to: 'void headPages',
  },
  {
    name: 'pages that the head lacks are not published',
    file: 'operations/state-file.ts',
    from: 'for (let page = common + 1; page <= pageCount; page++) differing.add(page)',
    to: '',
  },
  {
    name: 'a restore keeps the schema cookie of the old state',
    file: 'operations/successor.ts',
    from: 'view.setUint32(SCHEMA_COOKIE, next(SCHEMA_COOKIE))\n',
    to: '',
  },
  {
    name: 'a restore goes on from the schema cookie of the old state',
    file: 'operations/successor.ts',
    from: '(Math.max(viewOf(target).getUint32(offset), viewOf(head).getUint32(offset)) + 1) >>> 0',
    to: '(viewOf(target).getUint32(offset) + 1) >>> 0',
  },
  {
    name: 'a restore keeps the page count of the head',
    file: 'operations/replace.ts',
    from: 'return encodeLink(position, { pages, pageCount }, pageSize, writerId, clock.now())',
    to: 'return encodeLink(position, { pages, pageCount: Math.max(pageCount, file.pageCount) }, pageSize, writerId, clock.now())',
  },
  {
    name: 'a restore that was frozen takes its proof of the head for a new one',
    file: 'operations/replace.ts',
    from: 'chain, clock, verifiedAt, fenceWindowMs, deadline })',
    to: 'chain, clock, verifiedAt: verifiedAt && clock.now(), fenceWindowMs, deadline })',
    // It has to be frozen before its PUT just while the name that it wants is used and becomes free.
    test: 'operations/restore-in-place.test.ts',
  },
  {
    name: 'a restore that lost its race is told as done',
    file: 'operations/replace.ts',
    from: "if (publication.outcome === 'settled') {",
    to: "if (publication.outcome !== 'stale') {",
  },
  {
    name: 'a restore takes the state that there still is for the one that was chosen',
    file: 'operations/progress.ts',
    from: 'restored.txid !== to',
    to: 'restored.txid > to',
  },
]
