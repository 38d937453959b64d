#!/usr/bin/env node
import { runCli } from './cli.ts'
import { commands } from './table.ts'

process.exitCode = await runCli(commands, process.argv.slice(2), {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  environment: process.env,
  directory: process.cwd(),
})
