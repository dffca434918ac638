import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { tmpDir } from '@cloudpal/test-kit'
import Corestore from 'corestore'
import { describe, expect, test } from 'vitest'
import { MultiBee } from '../src/index.ts'

const WRITER = fileURLToPath(new URL('crash/writer.mjs', import.meta.url))

interface Message {
  put?: string[]
}

/** Runs a writer until it has acknowledged so many times, then kills it while it goes on. */
async function runAndKill(directory: string, mode: string, messages: number): Promise<string[][]> {
  const child = fork(WRITER, [directory, mode])
  const acknowledged: string[][] = []
  child.on('message', ({ put }: Message) => {
    if (put !== undefined) acknowledged.push(put)
    if (acknowledged.length === messages) child.kill('SIGKILL')
  })
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
  expect(signal).toBe('SIGKILL')
  return acknowledged
}

describe('a process that is killed while it writes', () => {
  test.each(['single', 'in-flight', 'batch'])('has lost nothing it had acknowledged (%s)', async (mode) => {
    const directory = await tmpDir()
    const acknowledged: string[][] = []
    for (const messages of [3, 40, 150]) {
      acknowledged.push(...(await runAndKill(directory, mode, messages)))
      const store = new Corestore(directory)
      const db = new MultiBee(store)
      const keys: string[] = []
      for await (const { key } of db.createReadStream()) keys.push(key)
      const there = new Set(keys)
      for (const key of acknowledged.flat()) expect(there.has(key)).toBe(true)
      // All or nothing: a group of keys is there as a whole, also when it was never acknowledged.
      if (mode === 'batch') for (const size of groupSizes(keys)) expect(size).toBe(20)
      // View and log agree: a view that is built anew shows the same.
      const fresh = new MultiBee(store.namespace('fresh'), {
        key: db.key as Uint8Array,
        encryptionKey: db.encryptionKey,
        directory: `${directory}/fresh-${messages}`
      })
      const again: string[] = []
      for await (const { key } of fresh.createReadStream()) again.push(key)
      expect(again).toEqual(keys)
      await fresh.close()
      await db.close()
      await store.close()
    }
  })
})

/** How many keys each batch left behind. */
function groupSizes(keys: readonly string[]): Iterable<number> {
  const sizes = new Map<string, number>()
  for (const key of keys) {
    const group = key.split('-').slice(0, 2).join('-')
    sizes.set(group, (sizes.get(group) ?? 0) + 1)
  }
  return sizes.values()
}
