import type { AppFunction, Route } from '@thaw/app'
import { HttpApi, HttpMethod, HttpRoute, HttpRouteKey } from 'aws-cdk-lib/aws-apigatewayv2'
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'

/** An HTTP API that sends every route to its function, with events of format 2.0. */
export function createApi(
  scope: Construct,
  apiName: string,
  functions: readonly { readonly definition: AppFunction; readonly lambda: LambdaFunction }[],
): HttpApi {
  const httpApi = new HttpApi(scope, 'Api', { apiName })
  for (const { definition, lambda } of functions) {
    if (definition.kind !== 'http') continue
    const integration = new HttpLambdaIntegration(`${definition.name}Integration`, lambda)
    for (const route of definition.routes) {
      new HttpRoute(httpApi, route.key, { httpApi, integration, routeKey: routeKeyOf(route) })
    }
  }
  return httpApi
}

function routeKeyOf(route: Route): HttpRouteKey {
  return route.path === null ? HttpRouteKey.DEFAULT : HttpRouteKey.with(route.path, HttpMethod[route.method])
}
