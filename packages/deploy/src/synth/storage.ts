import { type DatabaseDefinition, durabilityQuery } from '@thaw/app'
import { MAINTENANCE_KEYS } from '@thaw/sqlite'
import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'

export interface Storage {
  readonly bucket: Bucket
  /** `DATABASE_URL` of every function. */
  readonly databaseUrl: string
  /** Where its objects are, as `openStore` of `@thaw/store` takes it. */
  readonly storeUrl: string
  /** What a function may do: read and write objects of this database, and ask which there are. */
  readonly statements: readonly PolicyStatement[]
  /** What maintenance may do: delete too, but only what transactions are made of, and it cannot publish any. */
  readonly maintenanceStatements: readonly PolicyStatement[]
}

/**
 * The bucket that the database of one stage lives in, under `folder`. It stays when the stack is removed. It
 * keeps no old versions: objects of a database are never overwritten, its history is made of objects.
 */
export function createStorage(scope: Construct, folder: string, database: DatabaseDefinition): Storage {
  const bucket = new Bucket(scope, 'Bucket', {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    encryption: BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    removalPolicy: RemovalPolicy.RETAIN,
    versioned: false,
    lifecycleRules: [{ abortIncompleteMultipartUploadAfter: Duration.days(1) }],
  })
  const objects = new PolicyStatement({
    effect: Effect.ALLOW,
    // The last frees the parts of a large object that does not come to be.
    actions: ['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload'],
    resources: [bucket.arnForObjects(`${folder}/*`)],
  })
  // Without this right S3 answers 403 for an object that is not there, which is never taken for absence. Such a
  // request has no prefix to look at, hence IfExists; a list of another folder has one and is refused.
  const names = new PolicyStatement({
    effect: Effect.ALLOW,
    actions: ['s3:ListBucket'],
    resources: [bucket.bucketArn],
    conditions: { StringLikeIfExists: { 's3:prefix': `${folder}/*` } },
  })
  const keys = (actions: string[], beginnings: readonly string[]) =>
    new PolicyStatement({
      effect: Effect.ALLOW,
      actions,
      resources: beginnings.map((key) =>
        bucket.arnForObjects(`${folder}/${key}${key.endsWith('/') ? '*' : ''}`),
      ),
    })
  const storeUrl = `s3://${bucket.bucketName}/${folder}`
  return {
    bucket,
    databaseUrl: `sqlite+${storeUrl}${durabilityQuery(database)}`,
    storeUrl,
    statements: [objects, names],
    maintenanceStatements: [
      keys(['s3:GetObject'], MAINTENANCE_KEYS.read),
      keys(['s3:PutObject', 's3:AbortMultipartUpload'], MAINTENANCE_KEYS.put),
      keys(['s3:DeleteObject'], MAINTENANCE_KEYS.delete),
      names,
    ],
  }
}
