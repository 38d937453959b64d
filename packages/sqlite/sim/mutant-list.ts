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
    file: 'replica.ts',
    from: 'const offset = this.#published.get(page)',
    to: 'const offset = this.#published.get(-page)',
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
    from: "this.#reader.connection.control('COMMIT')",
    to: '',
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
    from: 'const settled = capture ?',
    to: 'release(batch, outcomes)\n      const settled = capture ?',
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
    from: 'await this.#confirmUnchanged()',
    to: '(follower.replica.unpin(), true)',
  },
  {
    name: 'what wrote nothing is released though the head has moved',
    file: 'committer.ts',
    from: "if (next === 'head') return true",
    to: "if (next === 'head' || next === 'unproven') return true\n    else if (follower.trusted) return (await follower.follow(null, next), true)",
  },
  {
    name: 'a failed publication is not undone',
    file: 'committer.ts',
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
    from: '{} : linkFields(previous.checksum)',
    to: '{} : linkFields(1n)',
  },
  {
    name: 'timestamps run backwards',
    file: 'chain.ts',
    from: 'Math.max(now, previous.timestamp + 1)',
    to: 'now',
  },
  {
    name: 'a look that was sent before is shared',
    file: 'follower.ts',
    from: 'while (this.#replica === null || this.#provenTick <= begun) {\n      if (!this.#check || this.#check.tick <= begun) this.#startCheck()\n      await this.#check?.done\n    }',
    to: 'if (this.#replica === null || this.#provenTick <= begun) {\n      if (!this.#check) this.#startCheck()\n      await this.#check?.done\n    }',
  },
  {
    name: 'any proof is good enough for a read',
    file: 'follower.ts',
    from: 'this.#replica === null || this.#provenTick <= begun',
    to: 'this.#replica === null || (!this.trusted && this.#provenTick <= begun)',
  },
  {
    name: 'absence proves the head after any time',
    file: 'follower.ts',
    from: 'if (!this.trusted) return false',
    to: '',
  },
  {
    name: 'the copy is trusted for ever',
    file: 'follower.ts',
    from: 'this.#replica !== null && insideFence(clock.now(), this.#verifiedAt, fenceWindowMs)',
    to: 'this.#replica !== null && clock.now() + fenceWindowMs > 0',
  },
  {
    name: 'a proof is dated when its answer came',
    file: 'follower.ts',
    from: 'tick >= this.#provenTick) this.#verifiedAt = at',
    to: 'tick >= this.#provenTick) this.#verifiedAt = this.#options.clock.now()',
  },
  {
    name: 'a replaced history is followed',
    file: 'follower.ts',
    from: 'if (own && fits(own.checksum, checksum)) return false',
    to: 'if (own || checksum) return false',
  },
  {
    name: 'the result of a key is forgotten',
    file: 'answers.ts',
    from: "tx.execute('INSERT INTO _thaw_atomic (key, result, created_at) VALUES (?, ?, ?)', [key, result, now])",
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
]
