import type { Invocation } from './invocation.ts'

/** Something that takes part in every invocation, such as a database. */
export interface Participant {
  /**
   * Wraps one invocation: runs `next` and gives its result on. While `next` runs, the application makes its
   * answer, body included; of an answer that is streamed, all but the bytes of its body, which are made afterwards.
   * `next` may be run again; the application then gets a fresh request. A throw, here or in `next`, becomes the
   * error answer.
   */
  around?<T>(invocation: Invocation, next: () => Promise<T>): Promise<T>
  /** Ends what the participant holds open. Nothing calls it in this version: SIGTERM is not handled yet. */
  shutdown?(): Promise<void>
}

/** Runs `run` inside the `around` of every participant, the first outermost. */
export async function nest<T>(
  participants: readonly Participant[],
  invocation: Invocation,
  run: () => Promise<T>,
): Promise<T> {
  let next = run
  for (const participant of participants.toReversed()) {
    const inner = next
    next = async () => (participant.around ? participant.around(invocation, inner) : inner())
  }
  return next()
}
