import { fileURLToPath } from 'node:url'
import { loadApp } from '@thaw/app'
import { simulate } from '@thaw/local'
import type { Answer, Question } from './subject.ts'

// The simulator in a process of its own. It tells its parent where it listens, then answers one message at a time.

const app = await loadApp(fileURLToPath(new URL('./app', import.meta.url)))
const simulator = await simulate(app)
const answer = (message: Answer) => process.send?.(message)

process.on('message', async (question: Question) => {
  if (question === 'kill') await simulator.kill()
  answer({ environments: simulator.environments().map(({ pid, state }) => ({ pid, state })) })
})
process.once('disconnect', () => void simulator.close())
answer({ url: simulator.url, isolation: simulator.isolation })
