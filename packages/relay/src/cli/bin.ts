#!/usr/bin/env node
import { run } from './program.ts'

const abort = new AbortController()
// The first time it drains; the second time it ends at once.
process.once('SIGINT', () => abort.abort())
process.once('SIGTERM', () => abort.abort())

process.exitCode = await run(process.argv.slice(2), {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  environment: process.env,
  signal: abort.signal,
  onreload: (fn) => void process.on('SIGHUP', fn)
})
