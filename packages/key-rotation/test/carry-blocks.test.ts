import { replicate, tmpStore, until } from '@cloudpal/test-kit'
import { describe, expect, test } from 'vitest'
import { carryBlocks, endOf, planRoll, pullBlocks, startRoll } from '../src/cores/index.ts'
import { createKeyPair, type KeyPair } from '../src/index.ts'
import { bytesOf, codeOf, publicKeys } from './people.ts'
import { codeOfAsync } from './parties.ts'
import { filled, named, roll } from './rolls.ts'

test('what is carried over while somebody with the old key forks the old core is still the history that counts', async () => {
  const store = await tmpStore()
  const old = await filled(store, 'notes', 10)
  const core = await roll(store, named('notes', old), 'notes', old)
  const { storage } = (old as unknown as { core: { state: { storage: { read(): Reader } } } }).core.state
  const read = storage.read.bind(storage)
  let calls = 0
  storage.read = () => {
    // The third is for the blocks; both histories have been compared by then. A fork comes in before the disk answers.
    if (++calls !== 3) return read()
    const forking = old.truncate(4).then(() => old.append(Array.from({ length: 6 }, () => 'the thief’s')))
    const later = async <T>(ask: (reader: Reader) => Promise<T>): Promise<T> => {
      await forking
      const reader = read()
      const asked = ask(reader)
      reader.tryFlush()
      return asked
    }
    return {
      getBlock: (index) => later((reader) => reader.getBlock(index)),
      getTreeNode: (index) => later((reader) => reader.getTreeNode(index)),
      tryFlush: () => {}
    }
  }
  await codeOfAsync(carryBlocks(old, core))
  const seventh = (await core.get(7, { wait: false })) as Uint8Array | null
  expect(seventh === null ? 'block 7' : String(seventh)).toBe('block 7')
})

test('blocks are carried in pieces of a bounded size, not of 8,192 blocks: those of a drive have 64 KB', async () => {
  const store = await tmpStore()
  const old = store.get({ name: 'blobs' })
  await old.ready()
  await old.append(Array.from({ length: 512 }, () => Buffer.alloc(65_536, 1)))
  const core = await roll(store, named('blobs', old), 'blobs', old)
  const { storage } = (old as unknown as { core: { state: { storage: { read(): Reader } } } }).core.state
  const read = storage.read.bind(storage)
  let most = 0
  storage.read = () => {
    const reader = read()
    const getBlock = reader.getBlock.bind(reader)
    let count = 0
    reader.getBlock = (index) => {
      most = Math.max(most, ++count)
      return getBlock(index)
    }
    return reader
  }
  expect(await carryBlocks(old, core)).toBe(512)
  expect((most * 65_536) / 1024 / 1024).toBeLessThanOrEqual(16)
})

test('an archive that cannot be reached is no archive of another history: what it throws passes through', async () => {
  const store = await tmpStore()
  const old = await filled(store, 'notes', 3)
  const plan = planRoll(await endOf(old), { signers: publicKeys('writer') })
  const source = { proof: () => Promise.reject(Object.assign(new Error('offline'), { code: 'ECONNRESET' })) }
  expect(await codeOfAsync(startRoll(store, plan, source))).toBe('ECONNRESET')
  const core = await startRoll(store, plan, old)
  expect(await codeOfAsync(pullBlocks(source, core))).toBe('ECONNRESET')
})

describe('what is appended to a core of several signers reaches peers, or is refused at once', () => {
  test.each([
    ['one', 1, 1],
    ['two, of whom one signs', 2, 1],
    ['two, who both sign', 2, 2]
  ])('%s', async (_, count, quorum) => {
    const [mine, theirs] = [await tmpStore(), await tmpStore()]
    const old = await filled(mine, 'notes', 5)
    const pairs = [createKeyPair(), createKeyPair()].slice(0, count)
    const plan = planRoll(await endOf(old), { signers: pairs.map(({ publicKey }) => publicKey), quorum })
    let appended = true
    const core = await startRoll(mine, plan, old, { keyPair: pairs[0] as KeyPair }).catch(() => null)
    await core?.append('block 5').catch(() => (appended = false))
    if (core === null || !appended) return
    replicate(mine, theirs)
    const copy = theirs.get({ key: plan.core })
    await copy.ready()
    let block: unknown = null
    void copy.get(5).then(
      (value) => (block = value),
      () => {}
    )
    await until(() => block !== null)
    expect(String(block)).toBe('block 5')
  })
})

test('a signer of a core that stands twice is refused: it would count twice', () => {
  const end = { core: bytesOf(1), fork: 0, length: 1, treeHash: bytesOf(2) }
  const [key] = publicKeys('a') as [Uint8Array]
  expect(codeOf(() => planRoll(end, { signers: [key, key], quorum: 2 }))).not.toBe(null)
})

interface Reader {
  getBlock(index: number): Promise<Uint8Array | null>
  getTreeNode(index: number): Promise<unknown>
  tryFlush(): void
}

test('an old core of which too little is here is no other history', async () => {
  const [mine, theirs] = [await tmpStore(), await tmpStore()]
  const old = await filled(mine, 'notes', 10)
  const chain = named('notes', old)
  const core = await roll(mine, chain, 'notes', old)
  const short = theirs.get({ key: old.key as Uint8Array })
  expect(await codeOfAsync(carryBlocks(short, core))).toBe('KEY_ROTATION_NOT_AVAILABLE')
  const plan = planRoll(await endOf(old), { signers: publicKeys('next') })
  expect(await codeOfAsync(startRoll(theirs, plan, short))).toBe('KEY_ROTATION_NOT_AVAILABLE')
})
