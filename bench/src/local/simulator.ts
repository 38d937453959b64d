import { fileURLToPath } from 'node:url'
import { loadApp } from '@thaw/app'
import { simulate } from '@thaw/local'
import type { Answer, Question } from './subject.ts'

// The simulator in a process of its own, with its log on standard output as `thaw dev` has it. Tells its parent where it
// listens, then answers one message at a time.

const app = await loadApp(fileURLToPath(new URL('./app', import.meta.url)))
const simulator = await simulate(app, { log: (line) => process.stdout.write(`${line}\n`) })
const answer = () => {
  const environments = simulator.environments().map(({ pid, state }) => ({ pid, state }))
  const message: Answer = { url: simulator.url, isolation: simulator.isolation, environments }
  process.send?.(message)
}

process.on('message', async (question: Question) => {
  if (question === 'kill') await simulator.kill()
  answer()
})
process.once('disconnect', () => void simulator.close())
answer()
