import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { FileAssetPackaging, Stack, Stage } from 'aws-cdk-lib'
import { Code, type CodeConfig } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import type { BuiltFunction } from '../build/model.ts'

/**
 * A built zip as it is, under the hash of its own bytes: what is deployed can be told from its name, and an
 * unchanged function is left alone. (The CDK's own asset code hashes once more.)
 */
export class ZipCode extends Code {
  readonly isInline = false
  readonly #built: BuiltFunction

  constructor(built: BuiltFunction) {
    super()
    this.#built = built
  }

  override bind(scope: Construct): CodeConfig {
    const { zip, sha256 } = this.#built
    const assembly = Stage.of(scope)
    if (assembly === undefined) throw new Error('a function must be inside of an app')
    const fileName = `asset.${sha256}.zip`
    copyFileSync(zip, join(assembly.assetOutdir, fileName))
    const location = Stack.of(scope).synthesizer.addFileAsset({
      fileName,
      packaging: FileAssetPackaging.FILE,
      sourceHash: sha256,
    })
    return { s3Location: { bucketName: location.bucketName, objectKey: location.objectKey } }
  }
}
