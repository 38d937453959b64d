import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Layer } from '@thaw/app'
import { Architecture, type ILayerVersion, LayerVersion } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import { createZip } from '../build/zip.ts'
import { readLayer } from './layer-folder.ts'
import { ZipCode } from './zip-code.ts'

/** Gives the layers of a function. */
export type LayerMaker = (layers: readonly Layer[]) => ILayerVersion[]

/** Makes each layer once, for all functions that have it. */
export function createLayerMaker(scope: Construct, root: string): LayerMaker {
  const home = new Construct(scope, 'Layers')
  const made = new Map<string, ILayerVersion>()
  const make = (layer: Layer): ILayerVersion => {
    const id = 'arn' in layer ? layer.arn : layer.folder
    const version =
      made.get(id) ??
      ('arn' in layer
        ? LayerVersion.fromLayerVersionArn(home, id, layer.arn)
        : createVersion(home, root, layer.folder))
    made.set(id, version)
    return version
  }
  return (layers) => layers.map(make)
}

/** Under the hash of its content: a layer that has not changed stays the version that it is. */
function createVersion(scope: Construct, root: string, folder: string): LayerVersion {
  const files = readLayer(join(root, folder))
  const executables = files.filter(({ isExecutable }) => isExecutable).map(({ name }) => name)
  const zip = createZip(new Map(files.map((file) => [file.name, file.read()])), new Set(executables))
  return new LayerVersion(scope, folder, {
    code: new ZipCode({ zip, sha256: createHash('sha256').update(zip).digest('hex') }),
    compatibleArchitectures: [Architecture.ARM_64],
    description: `Content of ${folder}`,
  })
}
