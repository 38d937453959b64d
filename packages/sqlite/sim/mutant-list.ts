/** A bug as somebody might write it: one text of a source file replaced by another. */
export interface Mutant {
  readonly name: string
  /** Below `src`. */
  readonly file: string
  readonly from: string
  readonly to: string
}

export const mutants: readonly Mutant[] = [
  {
    name: 'a lost transaction is not undone',
    file: 'replica.ts',
    from: 'if (unpublished) {\n      for (const [page, image] of this.#publishedImages',
    to: 'if (unpublished && this.#pageCount < 0) {\n      for (const [page, image] of this.#publishedImages',
  },
  {
    name: 'published images are looked for in the file only',
    file: 'published-pages.ts',
    from: 'const offset = this.#inLog.get(page)',
    to: 'const offset = this.#inLog.get(-page)',
  },
  {
    name: 'readers are not pinned',
    file: 'replica.ts',
    from: 'pinConnection(this.#reader.connection)\n    this.#pinned = true',
    to: '',
  },
  {
    name: 'the pinned reader never moves on',
    file: 'replica.ts',
    from: 'this.#pageCount = capture.pageCount\n    this.unpin()',
    to: 'this.#pageCount = capture.pageCount',
  },
  {
    name: '412 is taken for success',
    file: 'publish.ts',
    from: "if (result.outcome === 'exists') {",
    to: "if (result.outcome === 'exists') {\n        return { outcome: 'settled', provenAt: now }",
  },
  {
    name: 'whose object it is is judged by the writer alone',
    file: 'publish.ts',
    from: 'found.writerId === link.writerId && found.checksum === link.checksum',
    to: 'found.writerId === link.writerId',
  },
  {
    name: 'an object of ours is taken for a lost race',
    file: 'publish.ts',
    from: 'return ours ? {',
    to: 'return ours && sentAt < 0 ? {',
  },
  {
    name: 'the fence is checked once',
    file: 'publish.ts',
    from: 'if (!insideFence(now, options.verifiedAt, options.fenceWindowMs)) {',
    to: 'if (pause === FIRST_RETRY_MS && !insideFence(now, options.verifiedAt, options.fenceWindowMs)) {',
  },
  {
    name: 'an attempt is signed with the time of the first, and the fence is checked once',
    file: 'publish.ts',
    from: 'const now = clock.now()\n    if (!insideFence',
    to: 'const now = clock.now()\n    if (unknownSince === null && !insideFence',
  },
  {
    name: 'an unknown outcome is a failure',
    file: 'publish.ts',
    from: 'if (unknownSince === null && !error.unknown && !neverSent) throw error',
    to: 'if (!neverSent) throw error',
  },
  {
    name: 'a refusal after an unknown outcome is a failure',
    file: 'publish.ts',
    from: 'if (unknownSince === null && !error.unknown && !neverSent) throw error',
    to: 'if (!error.unknown && !neverSent) throw error',
  },
  {
    name: 'an unknown outcome at the deadline is a conflict',
    file: 'publish.ts',
    from: 'if (clock.now() + pause > deadline) {\n      if (unknownSince === null) {',
    to: 'if (clock.now() + pause > deadline) {\n      if (unknownSince !== undefined) {',
  },
  {
    name: 'outcomes are released before the PUT',
    file: 'committer.ts',
    from: 'const settled = capture\n',
    to: 'release(batch, outcomes)\n      const settled = capture\n',
  },
  {
    name: 'outcomes are released though the race was lost',
    file: 'committer.ts',
    from: 'if (settled) release(batch, outcomes)\n      else this.#again(batch)',
    to: 'release(batch, outcomes)',
  },
  {
    name: 'what wrote nothing is released at once',
    file: 'committer.ts',
    from: 'await publisher.confirmUnchanged()',
    to: '(follower.replica.unpin(), true)',
  },
  {
    name: 'what wrote nothing is released though the head has moved',
    file: 'publisher.ts',
    from: "if (next === 'head') return true",
    to: "if (next === 'head' || next === 'unproven') return true\n    else if (follower.trusted) return (await follower.follow(null, next), true)",
  },
  {
    name: 'a failed publication is not undone',
    file: 'publisher.ts',
    from: 'await follower.undo(capture)',
    to: '',
  },
  {
    name: 'an interactive transaction is run again',
    file: 'committer.ts',
    from: 'if (waiting.work.repeatable &&',
    to: 'if (waiting.work &&',
  },
  {
    name: '403 is taken for absence',
    file: 'chain.ts',
    from: 'await this.#store.get(key)',
    to: 'await this.#store.get(key).catch(() => null)',
  },
  {
    name: 'links are not verified',
    file: 'chain.ts',
    from: 'if (continues(position, link)) return\n',
    to: 'if (continues(position, link) || link) return\n',
  },
  {
    name: 'links are not written',
    file: 'chain.ts',
    from: '{} : linkFields(previous.checksum, asksMs)',
    to: '{} : linkFields(1n, asksMs)',
  },
  {
    name: 'timestamps run backwards',
    file: 'chain.ts',
    from: 'Math.max(now, previous.timestamp + 1)',
    to: 'now',
  },
  {
    name: 'a look that was sent before is shared',
    file: 'proof.ts',
    from: 'return this.#provenTick > begun',
    to: 'return this.#provenTick > begun - 4',
  },
  {
    name: 'any proof is good enough for a read',
    file: 'read-gate.ts',
    from: 'if (wanted.strong) return proof.covers(begun)',
    to: 'if (wanted.strong) return this.#follower.trusted || proof.covers(begun)',
  },
  {
    name: 'absence proves the head after any time',
    file: 'follower.ts',
    from: 'if (!this.trusted) return false',
    to: '',
  },
  {
    name: 'the copy is trusted for ever',
    file: 'proof.ts',
    from: 'insideFence(this.#clock.now(), this.#verifiedAt, this.#fenceWindowMs)',
    to: 'this.#clock.now() + this.#fenceWindowMs > insideFence.length',
  },
  {
    name: 'a proof is dated when its answer came',
    file: 'proof.ts',
    from: 'this.#verifiedAt = at\n    this.#verifiedTick = tick\n  }\n\n  /** The copy was made anew',
    to: 'this.#verifiedAt = this.#clock.now()\n    this.#verifiedTick = tick\n  }\n\n  /** The copy was made anew',
  },
  {
    name: 'a replaced history is followed',
    file: 'history.ts',
    from: 'if (own && fits(own.checksum, checksum)) return false',
    to: 'if (own || checksum) return false',
  },
  {
    name: 'the result of a key is forgotten',
    file: 'answers.ts',
    from: 'tx.execute(RECORD, [key, result, now])',
    to: 'void (result ?? now)',
  },
  {
    name: 'a handle outlives its transaction',
    file: 'handles.ts',
    from: "if (!open)\n          throw new HandleClosedError('this transaction has ended: use its handle only inside its function')\n        requireTransaction(connection)",
    to: 'void requireTransaction',
  },
  {
    name: 'an older image of a page wins',
    file: 'wal.ts',
    from: 'pages.set(page, data)\n',
    to: 'if (!pages.has(page)) pages.set(page, data)\n',
  },
  {
    name: 'a key is recorded outside its transaction',
    file: 'database.ts',
    from: 'return this.#submit((tx) => answerOnce(tx, call, fn), true)',
    to: `const value = await this.#submit((tx) => {
      tx.execute('CREATE TABLE IF NOT EXISTS _thaw_atomic (key TEXT PRIMARY KEY, result TEXT, created_at INTEGER NOT NULL) WITHOUT ROWID')
      const [known] = tx.execute('SELECT result FROM _thaw_atomic WHERE key = ?', [key]).rows
      return known ? JSON.parse(String(known.result)) : fn(tx)
    }, true)
    return this.#submit((tx) => answerOnce(tx, call, () => value as T), true)`,
  },
  {
    name: '403 for a list of transactions is taken for none',
    file: 'restore.ts',
    from: 'const tail = await listLevel(store, 0, reaches === 0 ? undefined : fileKey(0, reaches, reaches))',
    to: 'const tail = await listLevel(store, 0, reaches === 0 ? undefined : fileKey(0, reaches, reaches)).catch(() => [])',
  },
  {
    name: 'a restore is planned once',
    file: 'restore.ts',
    from: 'const PLANS = 3',
    to: 'const PLANS = 1',
  },
  {
    name: 'a restore reads the oldest file first',
    file: 'restore.ts',
    from: '[...files].reverse()',
    to: '[...files]',
  },
  {
    name: 'what has gone since it was listed is a gap',
    file: 'follower.ts',
    from: "if (error instanceof RestoreError && error.code === 'RESTORE_GAP') return this.#restoreAnew()",
    to: 'void RestoreError',
  },
  {
    name: 'who was left behind goes on from where it was',
    file: 'history.ts',
    from: 'if (listed.length > 0 && listed[0] !== txid) return true',
    to: 'if (listed.length > 0 && listed[0] !== txid) return false',
  },
  {
    name: 'pages that a smaller database cut off are not given back by an undo',
    file: 'replica.ts',
    from: 'if (page !== lockPage(this.#pageSize)) lost.push(page)',
    to: 'void lockPage',
  },
  {
    name: 'an older image wins in a compaction',
    file: 'maintenance/merge.ts',
    from: 'page.number <= lowest.number',
    to: 'page.number < lowest.number',
  },
  {
    name: 'a compaction keeps the pages that were cut off',
    file: 'maintenance/merge.ts',
    from: 'if (number <= commit) yield lowest',
    to: 'yield lowest',
  },
  {
    name: 'what is compacted is deleted before its compaction is there',
    file: 'maintenance/merge.ts',
    from: 'const key = fileKey(level, first.first, last.last)',
    to: 'const key = fileKey(level, first.first, last.last)\n    await source.store.delete(inputs.slice(0, -1).map((input) => input.key))',
  },
  {
    name: 'a snapshot is made of what a list shows, whole or not',
    file: 'maintenance/maintain.ts',
    from: 'const { files } = planFrom(await listAll(source.store), 0)',
    to: 'const files = (await listAll(source.store)).filter(({ level }) => level === 0)',
  },
  {
    name: 'the name of a transaction becomes free at once',
    file: 'maintenance/retention.ts',
    from: 'Math.max(keepCoveredMs[0], SHORTEST_KEEP_LEVEL_0_MS)',
    to: 'Math.min(keepCoveredMs[0], SHORTEST_KEEP_LEVEL_0_MS)',
  },
  {
    name: 'what a restore point rests on goes before it',
    file: 'maintenance/retention.ts',
    from: 'const level1 = Math.max(keepCoveredMs[1], level0)',
    to: 'const level1 = keepCoveredMs[1]',
  },
  {
    name: 'whatever is covered goes at once',
    file: 'maintenance/retention.ts',
    from: 'now - other.modifiedAt > forMs',
    to: 'now + forMs > 0',
  },
  {
    name: 'a transaction that is covered in part goes',
    file: 'maintenance/retention.ts',
    from: 'other.last >= file.last &&',
    to: 'other.last >= file.first - 1 &&',
  },
  {
    name: 'the newest transaction goes too',
    file: 'maintenance/retention.ts',
    from: 'file.last !== newestSingle && ',
    to: 'newestSingle > 0 && ',
  },
  {
    name: 'the snapshot that history begins with goes too',
    file: 'maintenance/retention.ts',
    from: 'base !== null && file.last < base.last',
    to: 'base !== null && file.last <= base.last',
  },
  {
    name: 'a compaction goes that no snapshot replaces',
    file: 'maintenance/retention.ts',
    from: 'base !== null && file.last <= base.last && now',
    to: 'now',
  },
  {
    name: 'ages are judged by a clock that is two hours ahead',
    file: 'maintenance/maintain.ts',
    from: 'return info.modifiedAt',
    to: 'return info.modifiedAt + 7_200_000',
  },
  {
    name: 'any bookmark of the database is taken for satisfied',
    file: 'read-gate.ts',
    from: 'return copy.isOf(bookmark.identity) && copy.position.txid >= bookmark.txid',
    to: 'return copy.isOf(bookmark.identity)',
  },
  {
    name: 'a bookmark of another database is honoured',
    file: 'read-gate.ts',
    from: 'return copy.isOf(bookmark.identity) && copy.position.txid >= bookmark.txid',
    to: 'return copy.position.txid >= bookmark.txid',
  },
  {
    name: 'a bookmark does not name its database',
    file: 'bookmark.ts',
    from: 'identity === null',
    to: 'identity === null || txid > 0',
  },
  {
    name: 'a bookmark stands for the transaction before',
    file: 'bookmark.ts',
    from: 'txid.toString(16)}`',
    to: 'Math.max(1, txid - 1).toString(16)}`',
  },
  {
    name: 'a bounded read looks at no clock',
    file: 'read-gate.ts',
    from: 'proof.isWithin(proof.verifiedAt, wanted.withinMs)',
    to: 'proof.verifiedAt > 0',
  },
  {
    name: 'a bounded read believes a clock that was set back',
    file: 'proof.ts',
    from: 'return age >= 0 && age <= ms',
    to: 'return age <= ms',
  },
]
