import { collect, replicate, seededRandom, tmpStore, until } from '@cloudpal/test-kit'
import b4a from 'b4a'
import { expect, test } from 'vitest'
import type { MultiBee } from '../src/index.ts'
import { openDevice, openReplica, writerKeyOf } from './support/devices.ts'
import { maliciousLogs } from './support/malice.ts'

/** Mutated blocks that go through real cores, encrypted, over real streams. */
const BLOCKS = 300

async function shownBy(db: MultiBee): Promise<unknown> {
  const binary = { keyEncoding: 'binary', valueEncoding: 'binary' } as const
  const entries = await collect(db.createReadStream(binary))
  const shown = await Promise.all(
    entries.map(async ({ key, value }) => {
      const conflicts = await db.conflicts(key, binary)
      return [
        b4a.toString(key as unknown as Uint8Array, 'hex'),
        value,
        conflicts.map(({ path, deleted, writer, time }) => ({ path, deleted, writer, time }))
      ]
    })
  )
  const { devices } = await db.status()
  const members = devices.map(
    ({ key, isMember, applied, waiting, quarantined, malformed, unknownFormat }) => {
      return { key, isMember, applied, waiting, quarantined, malformed, unknownFormat }
    }
  )
  return { shown, members }
}

test('mutated blocks in real, encrypted, replicated logs leave two devices equal, and each names the culprits', async () => {
  const a = await openDevice({ name: 'a' })
  const b = await openReplica(a)
  await a.addWriter(writerKeyOf(b))
  replicate(a, b)
  await until(() => b.writable)
  const random = seededRandom(7)
  const culprits = await tmpStore()
  replicate(a, culprits)
  let blocks = 0
  const cores = []
  for (let seed = 1; blocks < BLOCKS; seed++) {
    const { logs, blocks: mutated } = maliciousLogs(seed)
    blocks += mutated
    for (const log of logs.values()) {
      const core = culprits.get({
        name: `${seed}-${cores.length}`,
        encryption: { key: a.encryptionKey }
      } as never)
      await core.ready()
      // Of a log with an unreadable first block the device would say that its key is wrong, which is another test's.
      await core.append([
        b4a.from(`0100${'00'.repeat(8)}000000`, 'hex'),
        ...log.filter(({ byteLength }) => byteLength > 0)
      ])
      await a.addWriter(core.key as Uint8Array, { name: `${seed}` })
      cores.push(core)
    }
    await Promise.all([random.pick([a, b]).put('k', { [seed]: seed }), random.pick([a, b]).put('l', seed)])
  }

  const lengths = new Map(cores.map((core) => [b4a.toString(core.key as Uint8Array, 'hex'), core.length]))
  for (const db of [a, b]) {
    await until(async () => {
      const { devices } = await db.status()
      const seen = devices.filter(({ key, applied, waiting, quarantined, unknownFormat }) => {
        const length = lengths.get(b4a.toString(key, 'hex'))
        return length !== undefined && (unknownFormat !== null || applied + waiting + quarantined >= length)
      })
      return seen.length === lengths.size
    })
  }
  await until(async () => JSON.stringify(await shownBy(a)) === JSON.stringify(await shownBy(b)))
  const { devices, failure } = await b.status()
  expect(failure).toBeNull()
  expect(devices.filter(({ malformed }) => malformed > 0).length).toBeGreaterThan(cores.length / 2)
  await a.put('last', 1)
  await until(async () => (await b.get('last'))?.value === 1)
})
