import { describe } from 'vitest'
import { useHome } from './home.ts'
import { memoryHome } from './homes.ts'
import { queryTests } from './queries.ts'

describe('queries', () => queryTests(useHome(memoryHome)))
