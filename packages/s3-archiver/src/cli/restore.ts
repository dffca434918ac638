import { InvalidArgumentError } from 'commander'
import { restore } from '../restore/restore.ts'
import type { RestoreOptions, RestorePoint } from '../restore/options.ts'
import { storeOf } from './arguments.ts'
import { openCorestore } from './corestores.ts'
import { sizeText, timeText, type Terminal } from './terminal.ts'

export interface RestoreCommandOptions {
  from: string
  into: string
  atSeq?: number
  atTime?: number
  atLength?: number
  fork?: number
  blocks?: 'all' | 'held' | 'none'
  writable?: string
}

/** Puts a core into a Corestore. */
export async function restoreCommand(
  terminal: Terminal,
  key: Uint8Array,
  options: RestoreCommandOptions
): Promise<void> {
  const { from, into, blocks = 'all', writable, atLength, fork } = options
  // Before anything is made of it.
  if (fork !== undefined && atLength === undefined)
    throw new InvalidArgumentError('--fork says on which line --at-length is: it needs that.')
  if (writable === '') throw new InvalidArgumentError('--writable takes the name of a core.')
  const store = await storeOf(from)
  const corestore = await openCorestore(into)
  try {
    const at = pointOf(options)
    const request: RestoreOptions = { corestore, key, blocks, signal: terminal.signal }
    if (at !== null) request.at = at
    if (writable !== undefined) request.writable = { name: writable }
    request.onProgress = ({ blocks: done, of }) => terminal.progress('restored blocks', done, of)
    const report = await restore(store, request)
    const { length, seq, timeMs, bytes, missing, resumed } = report
    const text = [
      `${length - missing} of ${length} blocks of fork ${report.fork}, as of commit ${seq} at ${timeText(timeMs)}`,
      `${sizeText(bytes)} read, every block checked against the signature of the core's key`,
      ...(resumed > 0 ? [`${resumed} blocks were there from an earlier run`] : []),
      ...(report.writable ? ['it is written here now; the device before must not write it again'] : [])
    ]
    terminal.result(report, text)
  } finally {
    await corestore.close()
  }
}

function pointOf({ atSeq, atTime, atLength, fork }: RestoreCommandOptions): RestorePoint | null {
  if (atSeq !== undefined) return { seq: atSeq }
  if (atTime !== undefined) return { timeMs: atTime }
  if (atLength === undefined) return null
  return fork === undefined ? { length: atLength } : { length: atLength, fork }
}
