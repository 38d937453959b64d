import { STATUS_CODES } from 'node:http'
import type { Gateway, HttpAnswer, Problem } from '../gateway.ts'
import { MalformedAnswer } from '../gateway.ts'
import { requestLineBytes } from '../headers.ts'
import type { WireRequest } from '../request.ts'
import { readAlbAnswer } from './answer.ts'
import { buildAlbEvent } from './event.ts'

/** "HTTP header limits" of the load balancers' guide. */
const lineLimitBytes = 16 * 1024
const fieldLimitBytes = 16 * 1024
const fieldsLimitBytes = 64 * 1024

const statuses: Readonly<Record<Problem, number>> = {
  'no-route': 404,
  refused: 400,
  'head-too-large': 400,
  'body-too-large': 413,
  'event-too-large': 413,
  throttled: 502,
  'function-failed': 502,
  'answer-malformed': 502,
  'too-late': 504,
}

/**
 * An Application Load Balancer before a function. It waits for as long as the function may take, and streams no answers.
 *
 * Source: "Lambda functions as targets" and "Troubleshoot your Application Load Balancers" of its guide.
 *
 * @param multiValue whether its target group has multi-value headers.
 */
export function albGateway(multiValue: boolean): Gateway {
  return {
    front: 'alb',
    limits: { bodyBytes: 1024 * 1024, timeoutMs: null, preludeBytes: 0 },
    checkHead,
    buildEvent: (request, context) => buildAlbEvent(request, context, multiValue),
    readAnswer: (payload) => readAlbAnswer(payload, multiValue),
    readHead() {
      throw new MalformedAnswer('a load balancer streams no answers')
    },
    answerProblem,
    ownHeaders: () => [],
  }
}

function checkHead(request: WireRequest): ReturnType<Gateway['checkHead']> {
  if (requestLineBytes(request) > lineLimitBytes) return 'head-too-large'
  let total = 0
  for (let index = 0; index + 1 < request.headers.length; index += 2) {
    const bytes = Buffer.byteLength(`${request.headers[index]}: ${request.headers[index + 1]}\r\n`)
    if (bytes > fieldLimitBytes) return 'head-too-large'
    // Functions get no WebSockets, nor anything else that is upgraded to.
    if (request.headers[index]?.toLowerCase() === 'upgrade') return 'refused'
    total += bytes
  }
  return total > fieldsLimitBytes ? 'head-too-large' : null
}

function answerProblem(problem: Problem): HttpAnswer {
  const status = statuses[problem]
  const title = `${status} ${STATUS_CODES[status]}`
  const page = [
    '<html>',
    `<head><title>${title}</title></head>`,
    '<body>',
    `<center><h1>${title}</h1></center>`,
    '</body>',
    '</html>',
    '',
  ]
  return {
    status,
    headers: [
      ['server', 'awselb/2.0'],
      ['content-type', 'text/html'],
    ],
    body: Buffer.from(page.join('\r\n')),
  }
}
