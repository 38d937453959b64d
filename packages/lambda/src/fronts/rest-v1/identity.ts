import { type Identity, nobody } from '../../identity.ts'
import { fieldsOrNull } from '../fields.ts'
import { identityOf } from '../identity.ts'
import type { RestV1RequestContext } from './event.ts'

export function readRestV1Identity(context: RestV1RequestContext | null | undefined): Identity {
  const authorizer = fieldsOrNull(context?.authorizer)
  const identity = fieldsOrNull(context?.identity)
  if (!authorizer && !identity) return nobody
  const { claims, scopes, ...own } = authorizer ?? {}
  const { userArn, accountId, user, clientCert } = identity ?? {}
  return identityOf({
    claims,
    scopes,
    authorizer: own,
    iam: { arn: userArn, accountId, userId: user },
    clientCert,
  })
}
