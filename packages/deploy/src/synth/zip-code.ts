import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FileAssetPackaging, Stack, Stage } from 'aws-cdk-lib'
import { Code, type CodeConfig } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'

/** A zip, by its path or in memory. */
export interface Zip {
  readonly zip: string | Uint8Array
  /** Of its bytes, in hex. */
  readonly sha256: string
}

/**
 * A zip as it is, under the hash of its own bytes: what is deployed can be told from its name, and an
 * unchanged function is left alone. (The CDK's own asset code hashes once more.)
 */
export class ZipCode extends Code {
  readonly isInline = false
  readonly #zip: Zip

  constructor(zip: Zip) {
    super()
    this.#zip = zip
  }

  override bind(scope: Construct): CodeConfig {
    const { zip, sha256 } = this.#zip
    const assembly = Stage.of(scope)
    if (assembly === undefined) throw new Error('code must be inside of an app')
    const fileName = `asset.${sha256}.zip`
    const target = join(assembly.assetOutdir, fileName)
    if (typeof zip === 'string') copyFileSync(zip, target)
    else writeFileSync(target, zip)
    const location = Stack.of(scope).synthesizer.addFileAsset({
      fileName,
      packaging: FileAssetPackaging.FILE,
      sourceHash: sha256,
    })
    return { s3Location: { bucketName: location.bucketName, objectKey: location.objectKey } }
  }
}
