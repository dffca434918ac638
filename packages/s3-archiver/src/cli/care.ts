import { InvalidArgumentError } from 'commander'
import { moments } from '../care/moments.ts'
import { prune } from '../care/prune.ts'
import type { Retention } from '../care/retention.ts'
import { stats } from '../care/stats.ts'
import { verify, type VerifyOptions } from '../care/verify.ts'
import { storeOf } from './arguments.ts'
import { sizeText, timeText, type Terminal } from './terminal.ts'

export interface VerifyCommandOptions {
  from: string
  key?: Uint8Array[]
  share?: number
  after?: string
}

/** @returns whether nothing is wrong */
export async function verifyCommand(terminal: Terminal, options: VerifyCommandOptions): Promise<boolean> {
  const { from, key: keys = [], share = 1, after = '' } = options
  const { signal } = terminal
  let last = after
  const onProgress: VerifyOptions['onProgress'] = ({ objects, of, name }) => {
    last = name
    terminal.progress('objects', objects, of)
  }
  const store = await storeOf(from)
  const verifying = verify(store, { keys, share, after, signal, onProgress })
  const found = await verifying.catch((error: unknown) => {
    terminal.end()
    if (last !== '') terminal.note(`goes on with --after ${last}`)
    throw error
  })
  terminal.result(found, [
    `${found.objects} objects are needed, ${found.read} were read (${sizeText(found.bytes)})`,
    ...(keys.length > 0 ? [`${found.cores} of ${keys.length} cores are what their keys have signed`] : []),
    ...(found.missing > 0 ? [`${found.missing} blocks of them were never there`] : []),
    ...found.problems.map(({ name, kind }) => `${kind}: ${name}`),
    ...found.coreProblems.map(({ message }) => message),
    found.ok ? 'nothing is wrong' : 'something is wrong'
  ])
  return found.ok
}

export interface PruneCommandOptions {
  from: string
  keepLast?: number
  keepDaily?: number
  keepWeekly?: number
  keepMonthly?: number
  minAgeDays?: number
  dropLines?: true
  dryRun?: true
}

export async function pruneCommand(terminal: Terminal, options: PruneCommandOptions): Promise<void> {
  const { keepLast, keepDaily, keepWeekly, keepMonthly, minAgeDays = 1 } = options
  const rules = { last: keepLast, daily: keepDaily, weekly: keepWeekly, monthly: keepMonthly }
  const keep: Retention = Object.fromEntries(Object.entries(rules).filter(([, count]) => count !== undefined))
  // Who forgets them would be left with one moment.
  if (Object.keys(keep).length === 0)
    throw new InvalidArgumentError('Which moments are kept? At least one of the --keep options is needed.')
  const { dryRun = false, dropLines = false } = options
  const onProgress = ({ deleted, of }: { deleted: number; of: number }): void =>
    terminal.progress('deleted', deleted, of)
  const pruned = await prune(await storeOf(options.from), {
    keep,
    dryRun,
    keepLines: !dropLines,
    minAgeMs: minAgeDays * 24 * 60 * 60 * 1000,
    signal: terminal.signal,
    onProgress
  })
  const { kept, commits, objects, bytes } = pruned
  const done = dryRun ? 'would be removed' : 'removed'
  terminal.result(pruned, [
    `${kept} moments are kept`,
    `${commits} commits and ${objects} objects ${done}, ${sizeText(bytes)}`
  ])
}

/** Each moment on a line; as JSON one object for each. */
export async function list(
  terminal: Terminal,
  { from, key }: { from: string; key?: Uint8Array }
): Promise<void> {
  const { signal } = terminal
  const options = key === undefined ? { signal } : { key, signal }
  for await (const moment of moments(await storeOf(from), options)) {
    const { seq, timeMs, core } = moment
    const head = core === null ? '' : `  fork ${core.fork}, ${core.length} blocks`
    terminal.result(moment, [`${`${seq}`.padStart(8)}  ${timeText(timeMs)}${head}`])
  }
}

export async function statsCommand(terminal: Terminal, { from }: { from: string }): Promise<void> {
  const found = await stats(await storeOf(from), { signal: terminal.signal })
  const { stored, total, live, cores, newest, sinceNewestMs } = found
  const amount = (name: string, { objects, bytes }: { objects: number; bytes: number }): string =>
    `${name.padEnd(8)}${`${objects}`.padStart(9)}  ${sizeText(bytes)}`
  terminal.result(found, [
    ...Object.entries(stored).map(([kind, value]) => amount(kind, value)),
    amount('total', total),
    amount('live', live),
    newest === null
      ? 'an empty archive'
      : `${cores} cores, commit ${newest.seq} at ${timeText(newest.timeMs)}, ${Math.round((sinceNewestMs ?? 0) / 1000)} s ago`
  ])
}
