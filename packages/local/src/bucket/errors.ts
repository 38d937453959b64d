/**
 * An answer of S3's that is no success.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
export class S3Error extends Error {
  override readonly name = 'S3Error'
  readonly status: number
  /** `NoSuchKey`. */
  readonly code: string
  readonly headers: Readonly<Record<string, string>>
  /** More elements of the answer's document. */
  readonly details: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: string,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    details: Readonly<Record<string, string>> = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.headers = headers
    this.details = details
  }
}

export const noSuchKey = () => new S3Error(404, 'NoSuchKey', 'The specified key does not exist.')

export const preconditionFailed = () =>
  new S3Error(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold')

export const notImplemented = (what: string) =>
  new S3Error(501, 'NotImplemented', `${what} is not implemented by the local S3 server`)

export const malformedXml = () => new S3Error(400, 'MalformedXML', 'The XML is not what this request needs')

export const invalidArgument = (message: string) => new S3Error(400, 'InvalidArgument', message)
