import type { Mutant } from './mutant.ts'

/** Bugs of `invocation` durability. */
export const gatheredMutants: readonly Mutant[] = [
  {
    name: 'a request is answered before the PUT',
    file: 'gathering.ts',
    from: 'if (this.#held) await this.#settled.promise',
    to: '',
  },
  {
    name: 'a request that lost its race is answered as published',
    file: 'committer.ts',
    from: 'gathering.fail(overtaken(',
    to: 'gathering.settle(overtaken(',
  },
  {
    name: 'a request that failed is published',
    file: 'committer.ts',
    from: 'if (gathering.failure) {',
    to: 'if (gathering.failure && whole.pageCount < 0) {',
  },
  {
    name: 'what a failed request wrote is not undone',
    file: 'committer.ts',
    from: 'await follower.follow(whole, null)\n',
    to: '',
  },
  {
    name: 'a request is published with its first transaction',
    file: 'gathering.ts',
    from: 'await this.#closed.promise',
    to: 'void this.#closed.promise',
  },
  {
    name: 'of a request its first transaction is published',
    file: 'committer.ts',
    from: 'const whole = this.#capture(first) ?? first',
    to: 'const whole = first',
  },
  {
    name: 'others see what a request has written',
    file: 'gathering.ts',
    from: 'this.#held = true\n',
    to: 'this.#held = true\n    replica.unpin()\n',
  },
  {
    name: 'a request does not see what it has written',
    file: 'database.ts',
    from: 'return gathering?.isOpen ? gathering : null',
    to: 'return gathering?.isOpen && gathering.hasEnded ? gathering : null',
  },
  {
    name: 'what others write travels with a request',
    file: 'committer.ts',
    from: "return 'statement' in work || gathering !== null",
    to: "return 'statement' in work",
  },
  {
    name: 'the bookmark of a request is of what it was written upon',
    file: 'database.ts',
    from: '(this.#gathered ?? context.seen)',
    to: 'context.seen',
  },
]
