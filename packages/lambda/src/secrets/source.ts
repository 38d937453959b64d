import {
  type AwsAnswer,
  createAwsClient,
  createHttpClient,
  credentialsOfFunction,
  regionOfFunction,
} from '../aws/client.ts'
import { encode } from '../aws/sign.ts'
import { SecretError } from '../errors.ts'
import { getInvocation } from '../invocation.ts'

export type Kind = 'secret' | 'parameter'

const services = {
  secret: {
    service: 'secretsmanager',
    variable: 'AWS_ENDPOINT_URL_SECRETS_MANAGER',
    target: 'secretsmanager.GetSecretValue',
    ask: (name: string) => ({ SecretId: name }),
    local: (name: string) => `/secretsmanager/get?secretId=${encode(name)}`,
    read: (answer: { SecretString?: unknown }) => answer.SecretString,
  },
  parameter: {
    service: 'ssm',
    variable: 'AWS_ENDPOINT_URL_SSM',
    target: 'AmazonSSM.GetParameter',
    ask: (name: string) => ({ Name: name, WithDecryption: true }),
    local: (name: string) => `/systemsmanager/parameters/get?name=${encode(name)}&withDecryption=true`,
    read: (answer: { Parameter?: { Value?: unknown } }) => answer.Parameter?.Value,
  },
} as const

/** Asks Secrets Manager or the Parameter Store. Throws `SecretError`, `AwsCallError`. */
export async function askService(kind: Kind, name: string): Promise<string> {
  const { service, variable, target, ask } = services[kind]
  const region = regionOfFunction()
  const endpoint = process.env[variable] ?? `https://${service}.${region}.amazonaws.com`
  const client = createAwsClient({ service, endpoint, region, credentials: credentialsOfFunction })
  const answer = await client.send({
    method: 'POST',
    path: '/',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
    body: JSON.stringify(ask(name)),
    signal: getInvocation()?.signal,
  })
  if (answer.status !== 200) throw new SecretError(`The ${kind} ${name}`, describeAnswer(answer))
  return readValue(kind, name, answer)
}

/**
 * Asks the Parameters and Secrets extension, which caches for all functions of the layer; null when there is none, or
 * when it has no answer, as while the function initialises. It is looked for where the function sets
 * `PARAMETERS_SECRETS_EXTENSION_HTTP_PORT`.
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets_lambda.html
 */
export async function askExtension(kind: Kind, name: string): Promise<string | null> {
  const { PARAMETERS_SECRETS_EXTENSION_HTTP_PORT: port, AWS_SESSION_TOKEN: token = '' } = process.env
  if (!port) return null
  const headers = { 'x-aws-parameters-secrets-token': token }
  const answer = await createHttpClient(`http://localhost:${port}`)
    .send('GET', services[kind].local(name), headers, '', getInvocation()?.signal)
    .catch(() => null)
  return answer?.status === 200 ? readValue(kind, name, answer) : null
}

function readValue(kind: Kind, name: string, { body }: AwsAnswer): string {
  const value = services[kind].read(parse(body))
  if (typeof value === 'string') return value
  throw new SecretError(`The ${kind} ${name}`, 'it holds no text.')
}

function describeAnswer({ status, body }: AwsAnswer): string {
  const { __type, message, Message } = parse(body) as Record<string, unknown>
  const type = String(__type ?? '').replace(/^.*#/, '')
  return `status ${status} ${type} ${message ?? Message ?? ''}`.trim()
}

function parse(body: Buffer): object {
  try {
    return Object(JSON.parse(body.toString()))
  } catch {
    return {}
  }
}
