import { type S3Server, seededRandom } from '@thaw/testing'
import { type ObjectStore, type S3StoreOptions, s3Store } from '../src/index.ts'

/** A store on this server, for tests of what it does about faults. */
export function s3StoreAt(
  server: S3Server,
  options: Pick<S3StoreOptions, 'prefix'> & Partial<S3StoreOptions>,
): ObjectStore {
  return s3Store({
    bucket: server.bucket,
    region: server.region,
    endpoint: server.endpoint,
    credentials: {
      accessKeyId: server.env.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: server.env.AWS_SECRET_ACCESS_KEY ?? '',
    },
    random: seededRandom('pauses').next,
    ...options,
  })
}
