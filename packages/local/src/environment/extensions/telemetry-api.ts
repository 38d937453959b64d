import { type ApiHandler, sendJson } from '../api-server.ts'

const unsupported = new Map([
  [
    '/2022-07-01/telemetry',
    { errorType: 'Telemetry.NotSupported', errorMessage: 'Telemetry API is not supported' },
  ],
  ['/2020-08-15/logs', { errorType: 'Logs.NotSupported', errorMessage: 'Logs API is not supported' }],
])

/**
 * Takes subscriptions to telemetry and logs, and sends nothing: extensions that want them go on. The answers are those
 * of AWS's runtime interface emulator.
 */
export const answerTelemetry: ApiHandler = (request, response) => {
  const answer = request.method === 'PUT' ? unsupported.get(request.url ?? '') : undefined
  if (answer === undefined) return false
  request.resume()
  sendJson(response, 202, JSON.stringify(answer))
  return true
}
