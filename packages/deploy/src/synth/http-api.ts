import type { Route } from '@thaw/app'
import { HttpApi, HttpMethod, HttpRoute, HttpRouteKey } from 'aws-cdk-lib/aws-apigatewayv2'
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import type { Construct } from 'constructs'
import type { HttpTarget } from './rest-api.ts'

/** An HTTP API that sends every route to its function, with events of format 2.0. Gives its address. */
export function createHttpApi(scope: Construct, apiName: string, targets: readonly HttpTarget[]): string {
  const httpApi = new HttpApi(scope, 'Api', { apiName })
  for (const { definition, target } of targets) {
    const integration = new HttpLambdaIntegration(`${definition.name}Integration`, target)
    for (const route of definition.routes) {
      new HttpRoute(httpApi, route.key, { httpApi, integration, routeKey: routeKeyOf(route) })
    }
  }
  return httpApi.apiEndpoint
}

function routeKeyOf(route: Route): HttpRouteKey {
  return route.path === null ? HttpRouteKey.DEFAULT : HttpRouteKey.with(route.path, HttpMethod[route.method])
}
