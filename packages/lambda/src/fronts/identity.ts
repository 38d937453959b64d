import type { ClientCertificate } from '../identity.ts'
import { fieldsOrNull, wordOrNull } from './fields.ts'

/** The `clientCert` that both formats of API Gateway write for mutual TLS. */
export function readCertificate(clientCert: unknown): ClientCertificate | null {
  const fields = fieldsOrNull(clientCert)
  return (
    fields && {
      subject: wordOrNull(fields.subjectDN),
      issuer: wordOrNull(fields.issuerDN),
      serialNumber: wordOrNull(fields.serialNumber),
      pem: wordOrNull(fields.clientCertPem),
    }
  )
}
