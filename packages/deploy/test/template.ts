import { readFile } from 'node:fs/promises'
import { expect } from 'vitest'

export interface Resource {
  readonly Type: string
  readonly Properties: Readonly<Record<string, unknown>>
  readonly DeletionPolicy?: string
  readonly UpdateReplacePolicy?: string
}

export interface Statement {
  readonly Effect: string
  readonly Action: string | readonly string[]
  readonly Resource: unknown
  readonly Condition?: unknown
}

export interface Template {
  readonly text: string
  readonly Parameters: Readonly<Record<string, unknown>>
  readonly Resources: Readonly<Record<string, Resource>>
  readonly Outputs: Readonly<Record<string, { readonly Value: unknown }>>
}

export async function readTemplate(file: string): Promise<Template> {
  const text = await readFile(file, 'utf8')
  return { ...JSON.parse(text), text }
}

export function resourcesOf(template: Template, type: string): [string, Resource][] {
  return Object.entries(template.Resources).filter(([, resource]) => resource.Type === type)
}

/** Every statement of a role's own policies. */
export function statementsOf(role: Resource | undefined): Statement[] {
  const policies = (role?.Properties.Policies ?? []) as {
    readonly PolicyDocument: { readonly Statement: readonly Statement[] }
  }[]
  return policies.flatMap((policy) => policy.PolicyDocument.Statement)
}

/** Every name that a `Ref` or `Fn::GetAtt` below `value` points to. */
export function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, child]) => {
    if (key === 'Ref') return [String(child)]
    if (key === 'Fn::GetAtt') return [String((child as readonly unknown[])[0])]
    return references(child)
  })
}

/** A value with `Fn::Join` carried out and references written as `${name}` or `${name.Attribute}`. */
export function render(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  const [[key, argument] = []] = Object.entries(value)
  if (key === 'Ref') return `\${${argument}}`
  if (key === 'Fn::GetAtt') return `\${${(argument as string[]).join('.')}}`
  if (key === 'Fn::Join') {
    const [separator, parts] = argument as [string, unknown[]]
    return parts.map(render).join(separator)
  }
  throw new Error(`cannot render ${JSON.stringify(value)}`)
}

/** A function of the template by its name on Lambda. */
export function lambdaNamed(template: Template, name: string) {
  const found = resourcesOf(template, 'AWS::Lambda::Function').find(
    ([, { Properties }]) => Properties.FunctionName === name,
  )
  if (found === undefined) throw new Error(`the template has no function ${name}`)
  return { id: found[0], properties: found[1].Properties }
}

/** What a role allows, its resources as text. */
export function rightsOf(role: Resource | undefined) {
  return statementsOf(role).map(({ Effect, Action, Resource, Condition }) => {
    expect(Effect).toBe('Allow')
    const rights = { Action: [Action].flat(), Resource: [Resource].flat().map(render) }
    return Condition === undefined ? rights : { ...rights, Condition }
  })
}

/** The variables of a function, as text. */
export function variablesOf(properties: Readonly<Record<string, unknown>>): Record<string, string> {
  const { Variables } = properties.Environment as { Variables: Readonly<Record<string, unknown>> }
  return Object.fromEntries(Object.entries(Variables).map(([name, value]) => [name, render(value)]))
}

/** The alias that stands for a function with provisioned environments. */
export function aliasOf(template: Template, functionId: string): string {
  const found = resourcesOf(template, 'AWS::Lambda::Alias').find(([, { Properties }]) =>
    references(Properties.FunctionName).includes(functionId),
  )
  if (found === undefined) throw new Error(`${functionId} has no alias`)
  return found[0]
}
