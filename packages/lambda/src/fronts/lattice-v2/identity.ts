import { type Identity, nobody } from '../../identity.ts'
import { fieldsOrNull, wordOrNull } from '../fields.ts'
import type { LatticeV2RequestContext } from './event.ts'

export function readLatticeV2Identity(context: LatticeV2RequestContext): Identity {
  const { type, principal, x509SubjectCn, x509IssuerOu } = fieldsOrNull(context.identity) ?? {}
  const arn = type === 'AWS_IAM' ? wordOrNull(principal) : null
  const subject = wordOrNull(x509SubjectCn)
  if (arn === null && subject === null) return nobody
  return {
    ...nobody,
    iam: arn === null ? null : { arn, accountId: wordOrNull(arn.split(':')[4]), userId: null },
    certificate:
      subject === null ? null : { subject, issuer: wordOrNull(x509IssuerOu), serialNumber: null, pem: null },
  }
}
