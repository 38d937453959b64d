import { type IamIdentity, type Identity, nobody } from '../../identity.ts'
import { type Fields, fieldsOrNull, wordOrNull } from '../fields.ts'
import { readCertificate } from '../identity.ts'
import type { RestV1RequestContext } from './event.ts'

export function readRestV1Identity(context: RestV1RequestContext | null | undefined): Identity {
  const authorizer = fieldsOrNull(context?.authorizer)
  const identity = fieldsOrNull(context?.identity)
  if (!authorizer && !identity) return nobody
  const { claims, scopes, ...own } = authorizer ?? {}
  return {
    claims: fieldsOrNull(claims),
    scopes: Array.isArray(scopes) ? scopes : [],
    authorizer: fieldsOrNull(own),
    iam: readIam(identity),
    certificate: readCertificate(identity?.clientCert),
  }
}

// The fields of a caller without credentials are null, or '' in events of tools.
function readIam(identity: Fields | null): IamIdentity | null {
  const arn = wordOrNull(identity?.userArn)
  if (identity === null || arn === null) return null
  return { arn, accountId: wordOrNull(identity.accountId), userId: wordOrNull(identity.user) }
}
