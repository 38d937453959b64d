import { type Report, readPath } from '../checks.ts'
import type { Layer } from '../model.ts'
import { show } from '../units.ts'

/** Source: "Lambda quotas", function layers. */
const mostLayers = 5

/** `LayerVersionArn` of Lambda's API; the version may be missing. */
const arnPattern = /^(arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:layer:[A-Za-z0-9_-]+)(:\d+)?$/

export function readLayers(report: Report, at: string, value: unknown): readonly Layer[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) {
    report.add(at, `must be a list of folders and ARNs like ['./layers/telemetry'], not ${show(value)}`)
    return []
  }
  if (value.length > mostLayers) report.add(at, `has ${value.length} layers, and Lambda takes ${mostLayers}`)
  const layers = value.map((one: unknown, index) => readLayer(report, `${at}[${index}]`, one))
  const known = layers.filter((layer) => layer !== null)
  reportTwice(report, at, known)
  return known
}

function readLayer(report: Report, at: string, value: unknown): Layer | null {
  if (typeof value === 'string' && value.startsWith('arn:')) return readArn(report, at, value)
  const folder = readPath(report, at, value, 'a folder')
  if (folder === './.' || folder === './')
    report.add(at, `is the whole project; give the folder whose content belongs to /opt`)
  return folder === null ? null : { folder }
}

function readArn(report: Report, at: string, arn: string): Layer | null {
  const [, , version] = arnPattern.exec(arn) ?? []
  if (version !== undefined) return { arn }
  const form = 'arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION'
  const problem = arnPattern.test(arn)
    ? `${show(arn)} names no version; add it: ${show(`${arn}:1`)}`
    : `${show(arn)} is no ARN of a layer's version, which is ${form}`
  report.add(at, problem)
  return null
}

/** Lambda refuses two versions of one layer, too. */
function reportTwice(report: Report, at: string, layers: readonly Layer[]): void {
  const seen = new Set<string>()
  for (const layer of layers) {
    const name = 'arn' in layer ? layer.arn.replace(/:\d+$/, '') : layer.folder
    if (seen.has(name)) report.add(at, `has '${name}' twice; drop one`)
    seen.add(name)
  }
}
