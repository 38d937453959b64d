/** Services of the simulator that AWS SDKs and the AWS command line can be pointed to. */
export type LocalService = 'S3' | 'APIGATEWAYMANAGEMENTAPI' | 'SQS' | 'LAMBDA'

/** Where each service that runs is: `http://127.0.0.1:4000`. */
export type Endpoints = Readonly<Partial<Record<LocalService, string>>>

/** Signs as a function that has no credentials of its own. */
export const localAccessKeyId = 'THAWLOCALACCESSKEY00'

/** A function must have some, or its SDK signs nothing. They open nothing. */
const credentials = { AWS_ACCESS_KEY_ID: localAccessKeyId, AWS_SECRET_ACCESS_KEY: 'thaw-local-secret' }

/**
 * The variables that lead the SDKs of a function to what runs here. `given` is what the function gets anyway, and
 * wins. A function with credentials of its own, or with an endpoint for all of AWS, is left its S3: it may have a
 * real bucket. There is never an `AWS_ENDPOINT_URL`, which would catch services that do not run here.
 *
 * Source: "Service-specific endpoints" of the AWS SDKs and Tools reference guide.
 */
export function endpointVariables(
  endpoints: Endpoints,
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  const variables: Record<string, string> = {}
  const hasCredentials = given.AWS_ACCESS_KEY_ID !== undefined
  for (const [service, url] of Object.entries(endpoints)) {
    if (service === 'S3' && (hasCredentials || given.AWS_ENDPOINT_URL !== undefined)) continue
    variables[`AWS_ENDPOINT_URL_${service}`] = url
  }
  return { ...(hasCredentials ? {} : credentials), ...variables, ...given }
}
