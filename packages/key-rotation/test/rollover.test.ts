import { replicate, tmpStore } from '@cloudpal/test-kit'
import Hyperbee from 'hyperbee'
import type Hypercore from 'hypercore'
import Hyperdrive from 'hyperdrive'
import { expect, test } from 'vitest'
import {
  carryBlocks,
  CoreFollower,
  endOf,
  isLinked,
  planRoll,
  pullBlocks,
  type RolledCore,
  startRoll
} from '../src/cores/index.ts'
import { createKeyPair, type KeyPair, resolve } from '../src/index.ts'
import { ada, bytesOf, codeOf, keyPairs } from './people.ts'
import { filled, hypercore, named, roll, texts } from './rolls.ts'

async function all(core: RolledCore): Promise<string[]> {
  const values: string[] = []
  for (let i = 0; i < core.length; i++) values.push(String(await core.get(i, { wait: false })))
  return values
}

test('a new core goes on where the old one ended: the same blocks, no signature anew, and it is written under another key', async () => {
  const store = await tmpStore()
  const old = await filled(store, 'notes', 10)
  const chain = named('notes', old)
  const core = await roll(store, chain, 'notes', old)
  expect([core.length, core.writable]).toEqual([10, true])
  expect(await core.get(3, { wait: false })).toBe(null)
  expect(await carryBlocks(old, core)).toBe(10)
  await core.append('block 10')
  expect(await all(core)).toEqual(texts(0, 11).map(String))
  expect(resolve(chain.state, 'notes')?.core).toEqual(core.key)
  expect(isLinked(core, resolve(chain.state, 'notes')?.lineage.at(-1) as never)).toBe(true)
  expect(
    isLinked(core, {
      core: bytesOf(1),
      device: null,
      by: null,
      seq: 1,
      previous: { ...(await endOf(old, 9)) }
    })
  ).toBe(false)
})

test('a follower that knows only the new key reads all of it, and none of what the old key wrote since', async () => {
  const [mine, theirs] = [await tmpStore(), await tmpStore()]
  const old = await filled(mine, 'notes', 20)
  const chain = named('notes', old)
  const core = await roll(mine, chain, 'notes', old, { length: 15 })
  await carryBlocks(old, core)
  await old.append('a thief was here')
  await core.append(['block 15', 'block 16'])
  replicate(mine, theirs)
  const copy = theirs.get({ key: core.key as Uint8Array }) as unknown as RolledCore
  await copy.ready()
  await copy.update({ wait: true })
  const values: string[] = []
  for (let i = 0; i < 17; i++) values.push(String(await copy.get(i)))
  expect(values).toEqual(texts(0, 17).map(String))
  expect([copy.length, isLinked(copy, resolve(chain.state, 'notes')?.lineage.at(-1) as never)]).toEqual([
    17,
    true
  ])
})

test('a follower carries over what it has of the old core, and does not fetch it again', async () => {
  const [mine, theirs] = [await tmpStore(), await tmpStore()]
  const old = await filled(mine, 'notes', 100)
  const wire = replicate(mine, theirs)
  const oldCopy = theirs.get({ key: old.key })
  await oldCopy.ready()
  // Sparse: every third block.
  for (let i = 0; i < 100; i += 3) await oldCopy.get(i)
  const core = await roll(mine, named('notes', old), 'notes', old)
  const copy = theirs.get({ key: core.key as Uint8Array }) as unknown as RolledCore
  await copy.ready()
  await copy.update({ wait: true })
  await wire.cut()
  expect(await carryBlocks(oldCopy, copy)).toBe(34)
  expect(await carryBlocks(oldCopy, copy)).toBe(0)
  const values = await Promise.all(Array.from({ length: 100 }, (_, i) => copy.get(i, { wait: false })))
  expect(values.map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString() : null))).toEqual(
    texts(0, 100).map((value, i) => (i % 3 === 0 ? String(value) : null))
  )
  expect(await hypercore(copy).has(1)).toBe(false)
})

test('above 65,536 blocks a peer fetches all of it, after a restart, too, and an audit finds nothing', async () => {
  const dir = await tmpStore()
  const old = await filled(dir, 'notes', 70_000)
  const core = await roll(dir, named('notes', old), 'notes', old, { length: 69_999 })
  expect(await carryBlocks(old, core)).toBe(69_999)
  await core.append('block 69999')
  expect(core.contiguousLength).toBe(70_000)
  const key = core.key as Uint8Array
  await core.close()
  const again = dir.get({ key })
  await again.ready()
  expect([again.contiguousLength, again.length]).toEqual([70_000, 70_000])
  const { audit } = again.core as { audit(options: object): Promise<object> }
  expect(await audit.call(again.core, { dryRun: true, tree: false })).toMatchObject({
    droppedBits: 0,
    droppedBlocks: 0,
    corrupt: false
  })
  const other = await tmpStore()
  replicate(dir, other)
  const copy = other.get({ key })
  await copy.ready()
  await copy.update({ wait: true })
  for (const i of [0, 32_767, 32_768, 65_535, 65_536, 69_998, 69_999])
    expect(String(await copy.get(i))).toBe(`block ${i}`)
})

test('an encrypted core stays readable across two roll-overs, each block with the key of the core it was written to', async () => {
  const store = await tmpStore()
  const encryptionKey = bytesOf(42)
  const old = await filled(store, 'notes', 5, { encryption: { key: encryptionKey } })
  const chain = named('notes', old)
  const second = await roll(store, chain, 'notes', old, { encryptionKey })
  await carryBlocks(old, second)
  await second.append(texts(5, 8))
  const third = await roll(store, chain, 'notes', hypercore(second), { encryptionKey, length: 7 })
  await carryBlocks(second, third)
  await third.append(texts(7, 10))
  expect(await all(third)).toEqual(texts(0, 10).map(String))
  // A thief who still writes to the core before, in the same places, uses other keys.
  const raw = async (core: RolledCore, i: number): Promise<string> =>
    Buffer.from((await core.get(i, { raw: true, decrypt: false })) as Uint8Array).toString('hex')
  expect(await raw(third, 3)).toBe(await raw(second, 3))
  expect(await raw(third, 7)).not.toBe(await raw(second, 7))
  expect(Buffer.from((await third.get(7, { decrypt: false })) as Uint8Array).toString()).not.toContain(
    'block'
  )
})

test('an archive that gives proofs is enough: nothing of it is trusted, and no block is needed to write on', async () => {
  const [mine, elsewhere] = [await tmpStore(), await tmpStore()]
  const old = await filled(elsewhere, 'notes', 50)
  const archive = { proof: (options: object) => old.proof(options) }
  const keyPair = createKeyPair()
  const plan = planRoll(await endOf(old), { signers: [keyPair.publicKey] })
  const core = await startRoll(mine, plan, archive, { keyPair })
  await core.append('block 50')
  expect(await pullBlocks(archive, core, { start: 10, end: 20 })).toBe(10)
  expect(String(await core.get(12, { wait: false }))).toBe('block 12')
  const bad = {
    proof: async (options: object) => {
      const proof = await old.proof(options)
      ;(proof.block as { value: Uint8Array }).value = Buffer.from('another')
      return proof
    }
  }
  await expect(pullBlocks(bad, core, { start: 30, end: 31 })).rejects.toMatchObject({
    code: 'KEY_ROTATION_CORE_MISMATCH'
  })
  expect(await core.get(30, { wait: false })).toBe(null)
})

test('the same plan opens the same core again, where it was left, and the old key signs nothing in it', async () => {
  const store = await tmpStore()
  const old = await filled(store, 'notes', 10)
  const keyPair = createKeyPair()
  const plan = planRoll(await endOf(old), { signers: [keyPair.publicKey] })
  const core = await startRoll(store, plan, old, { keyPair })
  await core.append('block 10')
  await core.close()
  // A crash before the plan was kept loses nothing: it follows from the event and the writer's key.
  const again = await startRoll(store, planRoll(plan.previous, { signers: [keyPair.publicKey] }), old, {
    keyPair
  })
  expect([again.length, again.writable, again.key]).toEqual([11, true, plan.core])
  const stolen = hypercore(again).append('block 11', { keyPair: old.keyPair as KeyPair })
  await expect(stolen).rejects.toThrow('not a declared signer')
  expect(again.length).toBe(11)
})

test('a source of another history is refused', async () => {
  const store = await tmpStore()
  const old = await filled(store, 'notes', 10)
  const other = await filled(store, 'other', 0)
  await other.append(Array.from({ length: 12 }, () => 'x'))
  const keyPair = createKeyPair()
  const plan = planRoll(await endOf(old), { signers: [keyPair.publicKey] })
  await expect(startRoll(store, plan, other, { keyPair })).rejects.toMatchObject({
    code: 'KEY_ROTATION_CORE_MISMATCH'
  })
  const core = await startRoll(store, plan, old, { keyPair })
  await expect(carryBlocks(other, core)).rejects.toMatchObject({ code: 'KEY_ROTATION_CORE_MISMATCH' })
})

test('a bee goes on as a bee', async () => {
  const store = await tmpStore()
  const old = store.get({ name: 'bee' })
  const bee = new Hyperbee(old)
  await bee.put(Buffer.from('ada'), Buffer.from('one'))
  await bee.put(Buffer.from('bob'), Buffer.from('two'))
  const core = await roll(store, named('bee', old), 'bee', old)
  await carryBlocks(old, core)
  const next = new Hyperbee(hypercore(core))
  await next.put(Buffer.from('ada'), Buffer.from('three'))
  const values = await Promise.all(['ada', 'bob'].map((key) => next.get(Buffer.from(key))))
  expect(values.map((entry) => String(entry?.value))).toEqual(['three', 'two'])
})

test('blocks of a longer old core are carried into a new one that has gone on already, and served', async () => {
  const [mine, theirs] = [await tmpStore(), await tmpStore()]
  const old = await filled(mine, 'notes', 16)
  const core = await roll(mine, named('notes', old), 'notes', old, { length: 13 })
  await core.append(['another', 'history', 'of its own'])
  const treeHash = await core.treeHash()
  expect(await carryBlocks(old, core)).toBe(13)
  // Nothing of the old core's own end has come along, on the disk neither.
  const key = core.key as Uint8Array
  await core.close()
  const again = mine.get({ key })
  await again.ready()
  expect(await again.treeHash()).toEqual(treeHash)
  replicate(mine, theirs)
  const copy = theirs.get({ key })
  await copy.ready()
  await copy.update({ wait: true })
  const values = await Promise.all(Array.from({ length: 16 }, (_, i) => copy.get(i)))
  expect(values.map(String)).toEqual([...texts(0, 13).map(String), 'another', 'history', 'of its own'])
})

test('a drive’s two cores go on together, in one event', async () => {
  const store = await tmpStore()
  const drive = new Hyperdrive(store)
  await drive.put('/one', Buffer.from('first'))
  const blobs = (await drive.getBlobs()) as { core: Hypercore }
  const names = ['drive', 'drive/blobs']
  const olds = [drive.core, blobs.core]
  const chain = ada()
  const firsts = olds.map((core, i) => ({
    name: names[i] ?? '',
    core: core.key as Uint8Array,
    previous: null
  }))
  chain.rollCore({ rolls: firsts }, keyPairs('control 0'))

  const keyPair = createKeyPair()
  const plans = await Promise.all(
    olds.map(async (core) => planRoll(await endOf(core), { signers: [keyPair.publicKey] }))
  )
  const rolls = plans.map(({ core, previous }, i) => ({ name: names[i] ?? '', core, previous }))
  chain.rollCore({ rolls }, keyPairs('control 0'))
  const news = await Promise.all(
    plans.map((plan, i) => startRoll(store, plan, olds[i] as Hypercore, { keyPair }))
  )
  for (const [i, core] of news.entries()) await carryBlocks(olds[i] as Hypercore, core)

  const [db, files] = news.map(hypercore) as [Hypercore, Hypercore]
  const bee = new Hyperbee(db, { keyEncoding: 'utf-8', valueEncoding: 'json' } as never)
  const next = new Hyperdrive(store, { _db: bee } as never)
  // It would look for a core whose key it works out from the first one's: the second roll says which it is.
  const Hyperblobs = blobs.constructor as new (core: Hypercore) => object
  Object.assign(next, { blobs: new Hyperblobs(files) })
  await next.ready()
  await next.put('/two', Buffer.from('second'))
  const read = async (path: string): Promise<string> => String(await next.get(path))
  expect([await read('/one'), await read('/two')]).toEqual(['first', 'second'])
  expect([db.length, files.length]).toEqual(olds.map(({ length }) => length + 1))
})

test('an empty core is gone on from as others are, and each by a core of its own', async () => {
  const store = await tmpStore()
  const [old, other] = [await filled(store, 'notes', 0), await filled(store, 'other', 0)]
  const [chain, keyPair] = [named('notes', old), createKeyPair()]
  const core = await roll(store, chain, 'notes', old, { keyPair })
  await core.append('block 0')
  const plans = await Promise.all(
    [old, other].map(async (each) => planRoll(await endOf(each), { signers: [keyPair.publicKey] }))
  )
  expect(plans[0]?.core).toEqual(core.key)
  expect(plans[1]?.core).not.toEqual(core.key)
  await using follower = new CoreFollower(store, 'notes')
  await follower.update(chain.state)
  expect(await follower.next()).toMatchObject({ index: 0 })
  expect(await follower.carry()).toBe(0)
})

test('what is no plan is refused', async () => {
  const previous = { core: bytesOf(1), fork: 0, length: 1, treeHash: bytesOf(2) }
  for (const given of [{ signers: [] }, { signers: [bytesOf(1, 31)] }, { signers: [bytesOf(1)], quorum: 2 }])
    expect(codeOf(() => planRoll(previous, given))).toBe('KEY_ROTATION_BAD_ARGUMENT')
  const old = await filled(await tmpStore(), 'notes', 3)
  await expect(endOf(old, 4)).rejects.toMatchObject({ code: 'KEY_ROTATION_BAD_ARGUMENT' })
})
