import { test } from 'vitest'
import { killUnderLoad } from './kill.ts'

test('every environment is killed ten times under load: nothing acknowledged is lost, nothing is applied twice', () =>
  killUnderLoad(10))
