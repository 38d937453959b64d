import { type Identity, nobody } from '../../identity.ts'
import { fieldsOrNull } from '../fields.ts'
import { identityOf } from '../identity.ts'
import type { HttpV2RequestContext } from './event.ts'

export function readHttpV2Identity({ authorizer, authentication }: HttpV2RequestContext): Identity {
  const { jwt, lambda, iam } = fieldsOrNull(authorizer) ?? {}
  const clientCert = fieldsOrNull(authentication)?.clientCert
  if (!jwt && !lambda && !iam && !clientCert) return nobody
  const { claims, scopes } = fieldsOrNull(jwt) ?? {}
  const { userArn, accountId, userId } = fieldsOrNull(iam) ?? {}
  return identityOf({
    claims,
    scopes,
    authorizer: lambda,
    iam: { arn: userArn, accountId, userId },
    clientCert,
  })
}
