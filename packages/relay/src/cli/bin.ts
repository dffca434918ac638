#!/usr/bin/env node
import { lineWriter } from './line-writer.ts'
import { run } from './program.ts'

const abort = new AbortController()
const EXITS = { SIGINT: 130, SIGTERM: 143 } as const
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    // The first time it drains, whichever it is; the second time it ends at once.
    if (abort.signal.aborted) process.exit(EXITS[signal])
    abort.abort()
  })

// From the start: without anybody who listens, SIGHUP ends a process.
let reload: (() => void) | null = null
let isMissed = false
process.on('SIGHUP', () => {
  if (reload === null) isMissed = true
  else reload()
})

// Whoever read the log may go; the relay stays.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

process.exitCode = await run(process.argv.slice(2), {
  out: lineWriter(process.stdout),
  err: lineWriter(process.stderr),
  environment: process.env,
  signal: abort.signal,
  onreload: (fn) => {
    reload = fn
    if (isMissed) fn()
  }
})
