import { AsyncLocalStorage } from './async-context.ts'
import type { Invocation } from './invocation.ts'

/** Something that takes part in every invocation, such as a database. */
export interface Participant {
  /**
   * Wraps one invocation: runs `next` and gives its result on. While `next` runs, the application makes its
   * answer, body included; of an answer that is streamed, all but the bytes of its body, which are made afterwards.
   * `next` may be run again; the application then gets a fresh request. A throw, here or in `next`, becomes the
   * error answer.
   *
   * A participant that has a `bookmark` gets the one that the client brought as `options.freshness`. A client can bring
   * anything and mend nothing of it, so this is advice: what is no bookmark, or cannot be honoured any more, is to be
   * left aside, and the request is then to see the newest state.
   */
  around?<T>(invocation: Invocation, next: () => Promise<T>, options?: AroundOptions): Promise<T>
  /**
   * Stands for what a request has seen and done, when it is read in the context of that request, so that the client's
   * next request can be told to see no less, wherever it is answered. It is read after `around`, for every HTTP
   * answer, and travels in the header `x-thaw-bookmark`. 1 to 128 letters, digits, `-`, `_`, `.`, `~`; null for
   * nothing to say.
   */
  readonly bookmark?: string | null
  /** Ends what the participant holds open. Called once, before the environment ends; 400 ms are left for it. */
  shutdown?(): Promise<void>
}

export interface AroundOptions {
  /** How new what is read has to be. */
  readonly freshness?: { readonly bookmark: string; readonly otherwise: 'strong' }
}

/** The bookmarks of participants that have one, in the order of these; null for none. */
export type Bookmarks = readonly (string | null)[]

interface Nested<T> {
  /** Settles when the outermost participant is done. */
  readonly result: Promise<T>
  /** What the participants say now, in the context that the innermost run had. */
  readonly bookmarks: () => Bookmarks
}

/**
 * Runs `run` inside the `around` of every participant, the first outermost.
 *
 * @param brought what the client brought, for the participants with a bookmark.
 */
export function nest<T>(
  participants: readonly Participant[],
  invocation: Invocation,
  run: () => Promise<T>,
  brought: Bookmarks = [],
): Nested<T> {
  const travelling = participants.filter((participant) => 'bookmark' in participant)
  let inContext: <R>(fn: () => R) => R = (fn) => fn()
  let next = async () => {
    if (travelling.length > 0) inContext = AsyncLocalStorage.snapshot()
    return run()
  }
  for (const participant of participants.toReversed()) {
    if (!participant.around) continue
    const inner = next
    const bookmark = brought[travelling.indexOf(participant)] ?? null
    const options: AroundOptions[] =
      bookmark === null ? [] : [{ freshness: { bookmark, otherwise: 'strong' } }]
    next = async () => participant.around!(invocation, inner, ...options)
  }
  const bookmarks = () => inContext(() => travelling.map((participant) => participant.bookmark ?? null))
  return { result: next(), bookmarks }
}
