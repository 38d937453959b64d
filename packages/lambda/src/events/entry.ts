import { Deadline } from '../deadline.ts'
import { type Arrival, begin, createReception, type LambdaContext, within } from '../invocation.ts'
import { checkParticipants } from '../options.ts'
import { nest, type Participant } from '../participant.ts'
import { shutDownWithEnvironment } from '../shutdown/shutdown.ts'

/** An event under way: when it came, and how long there is. */
export interface Session {
  readonly arrival: Arrival
  readonly deadline: Deadline
}

/** How the events of one handler are worked on. */
export interface Entry {
  /** Runs `work` for one event. Throws `InvalidContextError`. */
  open<T>(lambdaContext: LambdaContext, work: (session: Session) => Promise<T>): Promise<T>
  /** Runs `fn` inside the participants, as an invocation whose event is `event`. Throws `DeadlineError` in time. */
  run<T>(session: Session, event: unknown, fn: () => Promise<T>): Promise<T>
}

/** Call while the function initialises. Throws `ServeConfigError`. */
export function createEntry(participants: readonly Participant[] = []): Entry {
  checkParticipants(participants)
  shutDownWithEnvironment(participants)
  const receive = createReception()
  return {
    async open(lambdaContext, work) {
      const arrival = receive(lambdaContext)
      const deadline = new Deadline(lambdaContext)
      try {
        return await work({ arrival, deadline })
      } finally {
        deadline.end()
      }
    },
    run({ arrival, deadline }, event, fn) {
      const invocation = begin(arrival, deadline, event)
      const checked = async () => {
        deadline.check()
        return fn()
      }
      return within(invocation, () => deadline.race(nest(participants, invocation, checked).result))
    },
  }
}
