import b4a from 'b4a'
import type Corestore from 'corestore'
import type { MultiBee } from '../../src/index.ts'
import type { World } from '../oracle/types.ts'

/** All blocks a device holds, decrypted, by the hex keys of their logs; not by way of the database. */
export async function readLogs(
  { db, store }: { db: MultiBee; store: Corestore },
  encryptionKey: Uint8Array
): Promise<Map<string, Uint8Array[]>> {
  const logs = new Map<string, Uint8Array[]>()
  for (const { key } of await db.writers()) {
    const core = store.get({ key, encryption: { key: encryptionKey } })
    await core.ready()
    const blocks = await Promise.all(
      Array.from({ length: core.contiguousLength }, (_, seq) => core.get(seq, { wait: false }))
    )
    logs.set(b4a.toString(key, 'hex'), blocks as Uint8Array[])
    await core.close()
  }
  return logs
}

/** Where logs are not what they were before, or what follows it. */
export function changedBlocks(
  before: ReadonlyMap<string, Uint8Array[]>,
  after: ReadonlyMap<string, Uint8Array[]>,
  where = ''
): string[] {
  return [...before].flatMap(([writer, blocks]) => {
    const now = after.get(writer) ?? []
    const changed = blocks.findIndex((block, seq) => !b4a.equals(block, now[seq] ?? b4a.alloc(0)))
    return changed === -1 ? [] : [`${where}block ${changed} of log ${writer} is not what it was`]
  })
}

/** Keys that any operation names, as text. */
export function keysIn({ logs }: World): string[] {
  const operations = Object.values(logs).flatMap((log) =>
    log.flatMap((transaction) => transaction.operations)
  )
  return [...new Set(operations.map(({ key }) => Buffer.from(key, 'hex').toString()))]
}
