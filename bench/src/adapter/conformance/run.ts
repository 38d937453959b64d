import { lambdaContext } from '../../../../packages/lambda/test/events.ts'
import { cases, plainAnswer } from './cases.ts'
import { type Check, checkAnswer, checkRequest } from './checks.ts'
import type { Case, Delivered, Received } from './exchange.ts'
import { type Front, fronts } from './fronts.ts'
import { receivedByNode } from './node-server.ts'
import { recordedEvents } from './recorded.ts'
import type { Subject } from './subjects.ts'

/** What became of the checks of one adapter. */
export interface Score {
  readonly passed: number
  readonly failed: readonly string[]
}

/** An event, and how to check what an adapter makes of it. */
interface Trial {
  readonly name: string
  readonly front: Front
  readonly event: Record<string, unknown>
  readonly answer: Case['answer']
  readonly check: (given: Received | null, got: Delivered | null) => Check[]
}

/** Every case behind every front that can tell it, and the recorded events where they are there. */
export async function makeTrials(): Promise<Trial[]> {
  const trials: Trial[] = []
  for (const each of cases) {
    const truth = await receivedByNode(each.sent)
    for (const front of fronts) {
      if (each.variety && each.variety.front !== front.name) continue
      if ((each.needsLists && !front.hasLists) || (each.needsRawPath && front.decodesPath)) continue
      trials.push({
        name: each.name,
        front,
        event: { ...front.event(each.sent), ...each.variety?.changes },
        answer: each.answer,
        check: (given, got) =>
          each.looksAt === 'request'
            ? [
                ...checkRequest(each.sent, front, given, truth),
                ['status', got?.status === each.answer.status],
              ]
            : checkAnswer(each, got),
      })
    }
  }
  for (const { name, front, event, truth } of recordedEvents()) {
    trials.push({
      name,
      front,
      event,
      answer: plainAnswer,
      check: (given, got) => [...checkRequest(null, front, given, truth), ['status', got?.status === 200]],
    })
  }
  return trials
}

/** Gives every event to an adapter, whose application is a mirror. */
export async function examine(subject: Subject, trials: readonly Trial[]): Promise<Score> {
  let passed = 0
  const failed: string[] = []
  for (const { name, front, event, answer, check } of trials) {
    if (subject.without.includes(front.name)) continue
    let given: Received | null = null
    const handler = subject.handler((received) => {
      given = received
      return answer
    }, front.name)
    const got = await call(handler, front, event)
    for (const [what, holds] of check(given, got)) {
      if (holds) passed++
      else failed.push(`${front.name}: ${name}: ${what}`)
    }
  }
  return { passed, failed }
}

async function call(
  handler: ReturnType<Subject['handler']>,
  front: Front,
  event: Record<string, unknown>,
): Promise<Delivered | null> {
  const { error } = console
  // Some adapters log what they cannot do.
  console.error = () => {}
  try {
    // As Lambda's runtime does: JSON on both ways.
    const answer = await handler(JSON.parse(JSON.stringify(event)), lambdaContext())
    return front.deliver(JSON.parse(JSON.stringify(answer)))
  } catch {
    return null
  } finally {
    console.error = error
  }
}
