import { expect, test } from 'vitest'
import { nobody } from '../identity.ts'
import { openEvent } from './open.ts'

const identityOf = (event: unknown) => openEvent(event).readCaller().identity
const v2 = (requestContext: object) => ({
  rawPath: '/',
  requestContext: { http: { method: 'GET' }, ...requestContext },
})
const v1 = (requestContext: object) => ({ httpMethod: 'GET', path: '/', requestContext })
const clientCert = {
  clientCertPem: '-----BEGIN CERTIFICATE-----',
  subjectDN: 'CN=client',
  issuerDN: 'CN=root',
  serialNumber: 'a1',
  validity: { notBefore: 'May 28 12:30:02 2019 GMT', notAfter: 'Aug  5 09:36:04 2021 GMT' },
}
const certificate = {
  subject: 'CN=client',
  issuer: 'CN=root',
  serialNumber: 'a1',
  pem: '-----BEGIN CERTIFICATE-----',
}

test('a JWT that an HTTP API verified', () => {
  const jwt = { claims: { sub: 'u1', 'cognito:groups': '[a b]' }, scopes: ['read'] }
  expect(identityOf(v2({ authorizer: { jwt } }))).toEqual({ ...nobody, ...jwt })
  expect(identityOf(v2({ authorizer: { jwt: { ...jwt, scopes: null } } })).scopes).toEqual([])
})

test('what a Lambda authorizer says', () => {
  expect(identityOf(v2({ authorizer: { lambda: { tenant: 't1' } } })).authorizer).toEqual({ tenant: 't1' })
  const flat = { principalId: 'p1', tenant: 't1', integrationLatency: 7 }
  expect(identityOf(v1({ authorizer: flat }))).toEqual({ ...nobody, authorizer: flat })
})

test('a user pool at a REST API', () => {
  expect(identityOf(v1({ authorizer: { claims: { sub: 'u1' } } }))).toEqual({
    ...nobody,
    claims: { sub: 'u1' },
  })
})

test('a signature with AWS credentials', () => {
  const iam = { arn: 'arn:aws:iam::111122223333:user/a', accountId: '111122223333', userId: 'AIDA' }
  const v2Iam = { userArn: iam.arn, accountId: iam.accountId, userId: iam.userId, accessKey: 'AKIA' }
  expect(identityOf(v2({ authorizer: { iam: v2Iam } })).iam).toEqual(iam)
  const v1Identity = { userArn: iam.arn, accountId: iam.accountId, user: iam.userId, caller: 'AIDA' }
  expect(identityOf(v1({ identity: v1Identity })).iam).toEqual(iam)
  const lattice = {
    method: 'GET',
    path: '/',
    requestContext: { serviceArn: 'a', identity: { type: 'AWS_IAM', principal: iam.arn } },
  }
  expect(identityOf(lattice).iam).toEqual({ ...iam, userId: null })
})

test('the certificate of mutual TLS', () => {
  expect(identityOf(v2({ authentication: { clientCert } }))).toEqual({ ...nobody, certificate })
  expect(identityOf(v1({ identity: { clientCert } })).certificate).toEqual(certificate)
  const identity = { x509SubjectCn: 'client', x509IssuerOu: 'ops' }
  expect(
    identityOf({ method: 'GET', path: '/', requestContext: { serviceArn: 'a', identity } }).certificate,
  ).toEqual({ subject: 'client', issuer: 'ops', serialNumber: null, pem: null })
})

test.each([
  v2({}),
  v2({ authorizer: null, authentication: null }),
  v2({ authorizer: {} }),
  v1({}),
  v1({ authorizer: { claims: null, scopes: null }, identity: { userArn: null, accountId: null } }),
  v1({ identity: { userArn: '', user: '', sourceIp: '192.0.2.1' } }),
  { httpMethod: 'GET', path: '/' },
  { httpMethod: 'GET', path: '/', requestContext: { elb: {} }, headers: { 'x-amzn-oidc-identity': 'me' } },
])('%j says nothing of the caller', (event) => {
  expect(identityOf(event)).toEqual(nobody)
})
