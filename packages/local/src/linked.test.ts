import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { linkedPackages } from './linked.ts'

let root: string

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'thaw-test-linked-')))
})

afterEach(() => rm(root, { recursive: true }))

async function makePackage(folder: string, dependencies: readonly string[] = []) {
  await mkdir(join(root, folder), { recursive: true })
  const entries = Object.fromEntries(dependencies.map((name) => [name, '*']))
  await writeFile(join(root, folder, 'package.json'), JSON.stringify({ dependencies: entries }))
}

async function link(name: string, folder: string) {
  await mkdir(join(root, 'node_modules', '@own'), { recursive: true })
  await symlink(join(root, folder), join(root, 'node_modules', name))
}

test('finds linked packages, also those that they depend on, and no installed ones', async () => {
  await makePackage('apps/shop', ['@own/prices', 'installed', 'missing', 'workspace'])
  await makePackage('packages/prices', ['@own/money'])
  await makePackage('packages/money', ['@own/prices', 'shop'])
  await makePackage('packages/unused')
  await makePackage('node_modules/installed')
  await makePackage('.')
  await link('@own/prices', 'packages/prices')
  await link('@own/money', 'packages/money')
  await link('@own/unused', 'packages/unused')
  await link('shop', 'apps/shop')
  await link('workspace', '.')
  const folders = ['packages/money', 'packages/prices'].map((folder) => join(root, folder))
  expect(linkedPackages(join(root, 'apps/shop'))).toEqual(folders)
})

test('an application without a package.json has none', async () => {
  expect(linkedPackages(root)).toEqual([])
})
