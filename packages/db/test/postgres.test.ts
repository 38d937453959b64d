import { describe } from 'vitest'
import { removeFolders, useHome } from './home.ts'
import { postgresHome } from './homes.ts'
import { preparationTests } from './preparation.ts'
import { processTests } from './processes.ts'
import { queryTests } from './queries.ts'

removeFolders()
const home = useHome(postgresHome)
describe('queries', () => queryTests(home))
describe('preparation', () => preparationTests(home))
describe('processes', () => processTests(home))
