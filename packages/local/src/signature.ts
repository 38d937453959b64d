/**
 * Whether an `authorization` header is absent, or has the form of AWS Signature Version 4. The simulator has no
 * secret to verify one with.
 */
export function isWellSigned(header: string | undefined): boolean {
  return (
    header === undefined ||
    /^AWS4-HMAC-SHA256 +Credential=[^,\s/]+\/\d{8}\/[^,\s/]+\/[^,\s/]+\/aws4_request, *SignedHeaders=[^,\s]+, *Signature=[0-9a-f]{64}$/.test(
      header,
    )
  )
}
