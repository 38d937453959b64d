/**
 * The process of a Web Function: loads the module and leaves it alone, for it listens by itself. What it throws while
 * it loads ends the process, as whatever nobody catches does later.
 */
import { flushCompileCache } from 'node:module'
import { pathToFileURL } from 'node:url'
import { followClock, installClock } from './clock.ts'
import { findHandler } from './handler.ts'

const [, , handler = '', ...flags] = process.argv
const { LAMBDA_TASK_ROOT: taskRoot = process.cwd() } = process.env
// The simulator's cache of compiled modules is in use already, and nothing that a function should see.
const ownCompileCache = flags.includes('--own-compile-cache')
if (ownCompileCache) delete process.env.NODE_COMPILE_CACHE
// Only where the simulator means to put it wrong.
if (flags.includes('--clock')) followClock(3, installClock())

await import(pathToFileURL(findHandler(taskRoot, handler).file).href)
// Environments end by signals, so this is the time to keep what was compiled, for those that start later.
if (ownCompileCache) flushCompileCache()
