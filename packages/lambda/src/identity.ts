/**
 * Who the front says the caller is. The front has verified what it says here; parts that it says nothing of are
 * null. Headers are not looked at: what a client can send proves nothing.
 */
export interface Identity {
  /** Claims of a verified token: of a JWT authorizer, or of a Cognito user pool. */
  readonly claims: Readonly<Record<string, unknown>> | null
  /** Scopes of that token which the route asked for; empty when it asked for none. */
  readonly scopes: readonly string[]
  /** What a Lambda authorizer returned as its context. */
  readonly authorizer: Readonly<Record<string, unknown>> | null
  /** Whose AWS credentials signed the request. */
  readonly iam: IamIdentity | null
  /** The certificate that the client showed, in mutual TLS. */
  readonly certificate: ClientCertificate | null
}

export interface IamIdentity {
  readonly arn: string
  readonly accountId: string | null
  /** The unique id of the user or role session. */
  readonly userId: string | null
}

/** Names as the front writes them: API Gateway gives distinguished names, VPC Lattice common names. */
export interface ClientCertificate {
  readonly subject: string | null
  readonly issuer: string | null
  readonly serialNumber: string | null
  readonly pem: string | null
}

export const nobody: Identity = {
  claims: null,
  scopes: [],
  authorizer: null,
  iam: null,
  certificate: null,
}
