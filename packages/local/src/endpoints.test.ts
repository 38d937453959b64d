import { expect, test } from 'vitest'
import { endpointVariables } from './endpoints.ts'

const endpoints = { S3: 'http://127.0.0.1:1', APIGATEWAYMANAGEMENTAPI: 'http://127.0.0.1:2' }
const local = {
  AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1',
  AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: 'http://127.0.0.1:2',
}

test('a function gets every endpoint, and credentials to sign with', () => {
  expect(endpointVariables(endpoints, { OWN: 'x' })).toEqual({
    ...local,
    AWS_ACCESS_KEY_ID: expect.any(String),
    AWS_SECRET_ACCESS_KEY: expect.any(String),
    OWN: 'x',
  })
})

test('a function with credentials of its own keeps them, and the S3 that they are for', () => {
  const own = { AWS_ACCESS_KEY_ID: 'real', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'token' }
  const { AWS_ENDPOINT_URL_S3: _, ...rest } = local
  expect(endpointVariables(endpoints, own)).toEqual({ ...own, ...rest })
})

test('an endpoint of its own wins, and so does one for all of AWS', () => {
  const own = { AWS_ENDPOINT_URL_S3: 'http://minio:9000' }
  expect(endpointVariables(endpoints, own)).toMatchObject(own)
  const all = endpointVariables(endpoints, { AWS_ENDPOINT_URL: 'http://localstack:4566' })
  expect(all).not.toHaveProperty('AWS_ENDPOINT_URL_S3')
})
