import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { makeProjectBeside } from '@thaw/testing'
import { expect, onTestFinished, test } from 'vitest'
import { importedFiles } from './imported.ts'

test('finds what is named by its path, on and on, missing files too, and no packages', async () => {
  const { root, write, remove } = await makeProjectBeside(import.meta.url, {
    'app/api.ts': `
      import { a } from '../shared/a.ts'
      import type { B } from "../shared/b.ts"
      export * from '../shared/more/c.mts'
      import '../shared/effect.js?version=2'
      import settings from '../settings/a%20b.json' with { type: 'json' }
      import { serve } from 'package'
      const late = await import('../late/d.ts'), missing = () => import(\`../gone/e.ts\`)
    `,
    'shared/a.ts': `import {\n  a,\n  b,\n} from './more/c.mts'`,
    'shared/b.ts': '',
    'shared/more/c.mts': `import '../../app/api.ts'; require('../../linked')`,
    'shared/effect.js': '',
    'settings/a b.json': `{ "from": "from './none.ts'" }`,
    'late/d.ts': '',
    'real/index.cjs': `require('./own')`,
    'real/own.js': '',
  })
  onTestFinished(remove)
  await write('linked/package.json', '{ "main": "../linked/start.cjs" }')
  await symlink(join(root, 'real/index.cjs'), join(root, 'linked/start.cjs'))
  const found = importedFiles([join(root, 'app/api.ts')]).map((file) => file.slice(root.length + 1))
  expect(found[0]).toBe('app/api.ts')
  expect(found.slice(1).toSorted()).toEqual([
    ...['gone/e.ts', 'late/d.ts', 'real/index.cjs', 'real/own.js', 'settings/a b.json'],
    ...['shared/a.ts', 'shared/b.ts', 'shared/effect.js', 'shared/more/c.mts'],
  ])
})
