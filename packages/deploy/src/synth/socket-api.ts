import type { SocketFunction } from '@thaw/app'
import { Aws, Stack } from 'aws-cdk-lib'
import { WebSocketApi, WebSocketRoute, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2'
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import { allow } from './role.ts'

/** A WebSocket API without routes yet: functions have to know of it before they can be its routes. */
export interface SocketApi {
  readonly api: WebSocketApi
  /** Where clients connect: `wss://…/<stage>`. */
  readonly url: string
  /** Where every function finds its management API. */
  readonly variables: Readonly<Record<string, string>>
  /** What every function may do: send to connections, and close them. */
  readonly statements: readonly PolicyStatement[]
}

export function createSocketApi(scope: Construct, apiName: string, stageName: string): SocketApi {
  const api = new WebSocketApi(scope, 'SocketApi', { apiName })
  new WebSocketStage(scope, 'SocketStage', { webSocketApi: api, stageName, autoDeploy: true })
  const address = `${api.apiId}.execute-api.${Aws.REGION}.${Aws.URL_SUFFIX}/${stageName}`
  const connections = (method: string) =>
    Stack.of(scope).formatArn({
      service: 'execute-api',
      resource: api.apiId,
      resourceName: `${stageName}/${method}/@connections/*`,
    })
  return {
    api,
    url: `wss://${address}`,
    variables: { AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: `https://${address}` },
    statements: [allow(['execute-api:ManageConnections'], [connections('POST'), connections('DELETE')])],
  }
}

/** Sends what the function's route keys name to it. */
export function addSocketRoutes(
  { api }: SocketApi,
  { name, routes }: SocketFunction,
  target: IFunction,
): void {
  const integration = new WebSocketLambdaIntegration(`${name}Integration`, target)
  for (const routeKey of routes) {
    new WebSocketRoute(api, `Route ${routeKey}`, { webSocketApi: api, routeKey, integration })
  }
}
