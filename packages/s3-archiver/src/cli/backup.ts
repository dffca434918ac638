import b4a from 'b4a'
import { Archiver } from '../archive/archiver.ts'
import { S3ArchiverError } from '../errors.ts'
import { storedCores } from '../corestore-adapter.ts'
import { newestCommit } from '../read/commits.ts'
import { Stop } from '../stop.ts'
import { storeOf } from './arguments.ts'
import { openOldCorestore } from './corestores.ts'
import { sizeText, type Terminal } from './terminal.ts'

export interface BackupOptions {
  to: string
  create?: true
  watch?: true
  takeOver?: true
  bytesPerSecond?: number
}

/** Keys that are shown to people; programs are told all. */
const SHOWN_KEYS = 20

/** Archives all cores of a Corestore, once or for as long as it is let. */
export async function backup(terminal: Terminal, directory: string, options: BackupOptions): Promise<void> {
  const { to, create = false, watch = false, takeOver = false, bytesPerSecond = Infinity } = options
  const store = await storeOf(to)
  const { signal } = terminal
  if (!create && (await newestCommit(store, { signal })) === null)
    throw new S3ArchiverError(
      'S3_ARCHIVER_NOT_ARCHIVED',
      'there is no archive yet; with --create one is begun'
    )
  const corestore = await openOldCorestore(directory)
  const total = { seq: -1, cores: 0, blocks: 0, bytes: 0, missing: 0 }
  const keys: Uint8Array[] = []
  // A Corestore that nobody writes does not keep a program running.
  const alive = watch ? setInterval(() => {}, 60_000) : undefined
  try {
    const archiver = new Archiver(store, { corestore, takeOver, bytesPerSecond, live: watch, signal })
    archiver.on('archived', ({ seq, cores, blocks, bytes }) => {
      total.seq = seq
      total.cores += cores
      total.blocks += blocks
      total.bytes += bytes
      if (watch) terminal.note(`commit ${seq}: ${cores} cores, ${blocks} blocks, ${sizeText(bytes)}`)
    })
    archiver.on('progress', ({ bytes }) => terminal.progress('uploaded bytes', bytes, bytes))
    archiver.on('gap', ({ blocks }) => {
      total.missing += blocks
    })
    archiver.on('failure', ({ error, retryInMs }) =>
      terminal.note(retryInMs === null ? error.message : `${error.message}; again in ${retryInMs / 1000} s`)
    )
    try {
      await archiver.flushed()
      for await (const { key } of storedCores(corestore)) keys.push(key)
      for (const line of keysText(keys)) terminal.note(line)
      if (watch)
        await new Stop(signal).race(new Promise<never>((_, reject) => archiver.once('fenced', reject)))
    } finally {
      await archiver.close()
    }
  } finally {
    clearInterval(alive)
    await corestore.close()
  }
  const what = `${total.cores} cores, ${total.blocks} blocks, ${sizeText(total.bytes)}`
  const lacking = total.missing === 0 ? [] : [`${total.missing} blocks are not in this Corestore`]
  terminal.result(
    { ...total, keys },
    total.seq === -1 ? ['nothing new'] : [`commit ${total.seq}: ${what}`, ...lacking]
  )
}

/** What whoever restores them has to know: the archive does not have it. */
function keysText(keys: readonly Uint8Array[]): string[] {
  const shown = keys.slice(0, SHOWN_KEYS).map((key) => `  ${b4a.toString(key, 'hex')}`)
  const more = keys.length - shown.length
  return [
    'keep the keys, the archive does not have them:',
    ...shown,
    ...(more > 0 ? [`  and ${more} more, see --json`] : [])
  ]
}
