import type { ClientCertificate, IamIdentity, Identity } from '../identity.ts'
import { type Fields, fieldsOrNull, wordOrNull } from './fields.ts'

/** Where the formats of API Gateway have what they say of a caller; anything may be absent. */
interface Said {
  readonly claims: unknown
  readonly scopes: unknown
  readonly authorizer: unknown
  /** Of the credentials that signed; of a caller without any null, or '' in events of tools. */
  readonly iam: { readonly arn: unknown; readonly accountId: unknown; readonly userId: unknown }
  readonly clientCert: unknown
}

export function identityOf({ claims, scopes, authorizer, iam, clientCert }: Said): Identity {
  return {
    claims: fieldsOrNull(claims),
    scopes: Array.isArray(scopes) ? scopes : [],
    authorizer: fieldsOrNull(authorizer),
    iam: readIam(iam),
    certificate: readCertificate(fieldsOrNull(clientCert)),
  }
}

function readIam({ arn, accountId, userId }: Said['iam']): IamIdentity | null {
  const name = wordOrNull(arn)
  return name === null ? null : { arn: name, accountId: wordOrNull(accountId), userId: wordOrNull(userId) }
}

function readCertificate(fields: Fields | null): ClientCertificate | null {
  return (
    fields && {
      subject: wordOrNull(fields.subjectDN),
      issuer: wordOrNull(fields.issuerDN),
      serialNumber: wordOrNull(fields.serialNumber),
      pem: wordOrNull(fields.clientCertPem),
    }
  )
}
