#!/usr/bin/env node
import { run } from './program.ts'

const abort = new AbortController()
// The second time it ends at once.
process.once('SIGINT', () => abort.abort())
process.once('SIGTERM', () => abort.abort())

process.exitCode = await run(process.argv.slice(2), {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  isTerminal: process.stderr.isTTY,
  signal: abort.signal
})
