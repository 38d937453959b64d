import { type Identity, nobody } from '../../identity.ts'
import { fieldsOrNull, wordOrNull } from '../fields.ts'
import { readCertificate } from '../identity.ts'
import type { HttpV2RequestContext } from './event.ts'

export function readHttpV2Identity({ authorizer, authentication }: HttpV2RequestContext): Identity {
  const { jwt, lambda, iam } = fieldsOrNull(authorizer) ?? {}
  const clientCert = fieldsOrNull(authentication)?.clientCert
  if (!jwt && !lambda && !iam && !clientCert) return nobody
  const { claims, scopes } = fieldsOrNull(jwt) ?? {}
  const { userArn, accountId, userId } = fieldsOrNull(iam) ?? {}
  const arn = wordOrNull(userArn)
  return {
    claims: fieldsOrNull(claims),
    scopes: Array.isArray(scopes) ? scopes : [],
    authorizer: fieldsOrNull(lambda),
    iam: arn === null ? null : { arn, accountId: wordOrNull(accountId), userId: wordOrNull(userId) },
    certificate: readCertificate(clientCert),
  }
}
