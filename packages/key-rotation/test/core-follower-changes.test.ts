import { replicate, tmpStore, until } from '@cloudpal/test-kit'
import { describe, expect, test } from 'vitest'
import { carryBlocks, CoreFollower, endOf, planRoll, startRoll } from '../src/cores/index.ts'
import { createKeyPair } from '../src/index.ts'
import { ada, addDevice, keyPair, keyPairs, publicKeys } from './people.ts'
import { codeOfAsync, family } from './parties.ts'
import { filled, hypercore, named, roll } from './rolls.ts'

/** A follower that has read a thief's second history of the core `notes`, and the chain that goes on from the right one. */
async function misled() {
  const [mine, thiefs, theirs] = [await tmpStore(), await tmpStore(), await tmpStore()]
  const pair = createKeyPair()
  const [old, second] = [mine.get({ keyPair: pair }), thiefs.get({ keyPair: pair })]
  await Promise.all([old.ready(), second.ready()])
  await old.append(['one', 'two', 'three'])
  await second.append(['one', 'something', 'else'])
  const chain = named('notes', old)
  const wire = replicate(thiefs, theirs)
  const follower = new CoreFollower(theirs, 'notes')
  await follower.update(chain.state)
  for (let i = 0; i < 3; i++) await follower.next()
  await wire.destroy()
  const core = await roll(mine, chain, 'notes', old)
  await carryBlocks(old, core)
  await core.append('four')
  return { mine, theirs, chain, core, follower }
}

describe('a follower that has read a thief’s second history is told, and not led on', () => {
  test('also when it hears of a second roll-over before it has read on', async () => {
    const { mine, theirs, chain, core, follower } = await misled()
    await follower.update(chain.state)
    const third = await roll(mine, chain, 'notes', hypercore(core))
    await carryBlocks(core, third)
    await third.append('five')
    replicate(mine, theirs)
    await follower.update(chain.state)
    await expect(follower.next()).rejects.toMatchObject({ code: 'KEY_ROTATION_CORE_MISMATCH' })
    await follower.close()
  })

  test('also when it is started again before it has read on', async () => {
    const { mine, theirs, chain, follower } = await misled()
    await follower.update(chain.state)
    const { position, core } = follower
    await follower.close()
    await using again = new CoreFollower(theirs, 'notes', { position, core })
    replicate(mine, theirs)
    await again.update(chain.state)
    await expect(again.next()).rejects.toMatchObject({ code: 'KEY_ROTATION_CORE_MISMATCH' })
  })
})

test('blocks in the place of some that were read and truncated are not left out', async () => {
  const store = await tmpStore()
  const core = await filled(store, 'notes', 10)
  const chain = named('notes', core)
  await using follower = new CoreFollower(store, 'notes')
  await follower.update(chain.state)
  for (let i = 0; i < 10; i++) await follower.next()
  await core.truncate(5)
  await core.append(['a', 'b', 'c', 'd', 'e', 'f'])
  const next = await follower.next().catch((error: { code?: string }) => error.code ?? '')
  // Either it says so, or it reads what took their place.
  expect(typeof next === 'string' ? next : String(next?.block)).toMatch(/^(a|KEY_ROTATION_.+)$/)
})

test('a block that was asked for before an end was heard of does not count after it', async () => {
  const [mine, theirs] = [await tmpStore(), await tmpStore()]
  const core = await filled(mine, 'notes', 10)
  const chain = named('notes', core)
  const wire = replicate(mine, theirs)
  await using follower = new CoreFollower(theirs, 'notes')
  await follower.update(chain.state)
  for (let i = 0; i < 7; i++) await follower.next()
  await wire.cut()
  const asked = follower.next().catch(() => null)
  const end = await endOf(core, 5)
  const state = { ...chain.state, cutOffs: new Map([[Buffer.from(end.core).toString('hex'), end]]) }
  expect(await follower.update(state)).toMatchObject({ start: 5, end: 7 })
  wire.heal()
  expect([await asked, follower.position]).toEqual([null, 5])
})

test('with `wait: false` nothing waits for peers, also where the core has an end', async () => {
  const [mine, theirs] = [await tmpStore(), await tmpStore()]
  const core = await filled(mine, 'notes', 64)
  const chain = named('notes', core)
  const wire = replicate(mine, theirs)
  const copy = theirs.get({ key: core.key as Uint8Array })
  await copy.ready()
  await copy.get(63)
  await wire.cut()
  const end = await endOf(core, 37)
  const state = { ...chain.state, cutOffs: new Map([[Buffer.from(end.core).toString('hex'), end]]) }
  await using follower = new CoreFollower(theirs, 'notes')
  await follower.update(state)
  let outcome: unknown = 'waits'
  void follower.next({ wait: false }).then(
    (next) => (outcome = next),
    (error: unknown) => (outcome = error)
  )
  await until(() => outcome !== 'waits')
  expect(outcome).toBe(null)
})

test('a follower reads on where only the old core has the blocks, on the same connection', async () => {
  const [mine, theirs] = [await tmpStore(), await tmpStore()]
  const old = await filled(mine, 'notes', 10)
  const chain = named('notes', old)
  const core = await roll(mine, chain, 'notes', old)
  await core.append('block 10')
  replicate(mine, theirs)
  await using follower = new CoreFollower(theirs, 'notes')
  await follower.update(chain.state)
  let block: unknown = null
  void follower.next().then(
    (next) => (block = next?.block),
    () => {}
  )
  await until(() => block !== null)
  expect(String(block)).toBe('block 0')
})

test('a name whose core was empty when its device was revoked can be gone on with', async () => {
  const store = await tmpStore()
  const empty = await filled(store, 'notes', 0)
  const chain = family()
  const phone = keyPair('phone').publicKey
  const control = keyPairs('control 0')
  const first = { name: 'notes', core: empty.key as Uint8Array, previous: null }
  chain.rollCore({ device: phone, rolls: [first] }, control)
  const end = await endOf(empty)
  chain.revokeDevice(phone, { reason: 'lost', cutOffs: [end] }, control)
  const fresh = await filled(store, 'fresh', 2)
  const core = fresh.key as Uint8Array
  const ways: (() => Promise<void>)[] = [
    async () => {
      const plan = planRoll(end, { signers: publicKeys('laptop') })
      await (await startRoll(store, plan, empty)).close()
    },
    async () => void chain.rollCore({ rolls: [{ name: 'notes', core, previous: null }] }, control),
    async () => {
      chain.rollCore({ rolls: [{ name: 'notes', core, previous: end }] }, control)
      await using follower = new CoreFollower(store, 'notes')
      await follower.update(chain.state)
      expect(await follower.next()).not.toBe(null)
    }
  ]
  const codes: (string | null)[] = []
  for (const way of ways) codes.push(await codeOfAsync(way()))
  expect(codes).toContain(null)
})

test('blocks that their writer has truncated on another machine are retracted, and those in their place are read', async () => {
  const [mine, theirs] = [await tmpStore(), await tmpStore()]
  const core = await filled(mine, 'notes', 10)
  const chain = named('notes', core)
  replicate(mine, theirs)
  await using follower = new CoreFollower(theirs, 'notes')
  await follower.update(chain.state)
  for (let i = 0; i < 10; i++) await follower.next()
  await core.truncate(5)
  await core.append(['a', 'b', 'c', 'd', 'e', 'f'])
  const copy = theirs.get({ key: core.key })
  await copy.ready()
  await until(() => copy.fork === 1 && copy.length === 11)
  await expect(follower.next()).rejects.toMatchObject({ code: 'KEY_ROTATION_CORE_MISMATCH' })
  await expect(follower.bookmark()).rejects.toMatchObject({ code: 'KEY_ROTATION_CORE_MISMATCH' })
  expect(await follower.update(chain.state)).toEqual({ core: core.key, start: 5, end: 10 })
  const blocks: string[] = []
  for (let i = 0; i < 6; i++) blocks.push(String((await follower.next())?.block))
  expect([blocks, await follower.next({ wait: false })]).toEqual([['a', 'b', 'c', 'd', 'e', 'f'], null])
})

test('a bookmark tells after a restart that what was read has been replaced meanwhile', async () => {
  const store = await tmpStore()
  const core = await filled(store, 'notes', 10)
  const chain = named('notes', core)
  const follower = new CoreFollower(store, 'notes')
  expect(await follower.bookmark()).toEqual({ position: 0, core: null, treeHash: null })
  await follower.update(chain.state)
  for (let i = 0; i < 7; i++) await follower.next()
  const bookmark = await follower.bookmark()
  await follower.close()
  expect(bookmark).toEqual({ position: 7, core: core.key, treeHash: await core.treeHash(7) })
  await using same = new CoreFollower(store, 'notes', bookmark)
  await same.update(chain.state)
  expect(await same.next()).toMatchObject({ index: 7 })
  await core.truncate(5)
  await core.append(['a', 'b', 'c', 'd', 'e', 'f'])
  await using other = new CoreFollower(store, 'notes', bookmark)
  await other.update(chain.state)
  await expect(other.next()).rejects.toMatchObject({ code: 'KEY_ROTATION_CORE_MISMATCH' })
})

test('what a thief writes again below the end is not read, also while it is shorter than the end', async () => {
  const [store, theirs] = [await tmpStore(), await tmpStore()]
  const core = await filled(store, 'notes', 4)
  const before = theirs.get({ key: core.key as Uint8Array })
  await before.ready()
  const wire = replicate(store, theirs)
  for (let i = 0; i < 4; i++) await before.get(i)
  await wire.cut()
  const end = await endOf(core)
  const { state } = named('notes', core)
  const ended = { ...state, cutOffs: new Map([[Buffer.from(end.core).toString('hex'), end]]) }
  await core.truncate(2)
  await core.append(Buffer.from('thief'))
  await using follower = new CoreFollower(store, 'notes')
  await follower.update(ended)
  expect(await follower.next({ wait: false })).toBe(null)
  expect(await follower.next()).toBe(null)
  await core.append(Buffer.from('thief'))
  expect(await codeOfAsync(follower.next())).toBe('KEY_ROTATION_CORE_MISMATCH')
  // Where the core is as it was, it is read.
  await using other = new CoreFollower(theirs, 'notes')
  await other.update(ended)
  expect(await other.next({ wait: false })).toMatchObject({ index: 0 })
})

test('a call that waits for a block ends when the follower is closed', async () => {
  const [mine, theirs] = [await tmpStore(), await tmpStore()]
  const core = await filled(mine, 'notes', 3)
  const wire = replicate(mine, theirs)
  const follower = new CoreFollower(theirs, 'notes')
  await follower.update(named('notes', core).state)
  await follower.next()
  await wire.cut()
  const asked = codeOfAsync(follower.next())
  await follower.close()
  expect(await asked).toBe('KEY_ROTATION_CLOSED')
})

describe('cores that an admin named are one of the name’s no more, of which the one between was never opened here', () => {
  async function taken() {
    const [mine, theirs] = [await tmpStore(), await tmpStore()]
    const chain = ada()
    addDevice(chain, 'stolen', 'admin')
    const [phone, puppet] = [addDevice(chain, 'phone'), addDevice(chain, 'puppet')]
    const core = await filled(mine, 'notes', 10)
    const rolls = [{ name: 'notes', core: core.key as Uint8Array, previous: null }]
    chain.rollCore({ device: phone, rolls }, keyPairs('control 0'))
    const thief = { device: puppet, signers: keyPairs('stolen', 'puppet') }
    replicate(mine, theirs)
    const follower = new CoreFollower(theirs, 'notes')
    await follower.update(chain.state)
    for (let i = 0; i < 10; i++) await follower.next()
    const between = await roll(mine, chain, 'notes', core, { ...thief, length: 8 })
    await carryBlocks(core, between)
    const newest = await roll(mine, chain, 'notes', hypercore(between), thief)
    await carryBlocks(hypercore(between), newest)
    await newest.append(['thief', 'thief'])
    expect(await follower.update(chain.state)).toEqual({ core: core.key, start: 8, end: 10 })
    for (let i = 8; i < 10; i++) expect(String((await follower.next())?.block)).toBe('thief')
    await roll(mine, chain, 'notes', core, { device: phone })
    return { theirs, follower, newest, state: chain.state }
  }

  test('a follower that runs knows where they went on', async () => {
    const { follower, newest, state } = await taken()
    await using running = follower
    expect(await running.update(state)).toEqual({ core: newest.key, start: 8, end: 10 })
    expect(String((await running.next())?.block)).toBe('block 8')
  })

  test('one after a restart reads all again', async () => {
    const { theirs, follower, newest, state } = await taken()
    const bookmark = await follower.bookmark()
    await follower.close()
    await using restarted = new CoreFollower(theirs, 'notes', bookmark)
    expect(await restarted.update(state)).toEqual({ core: newest.key, start: 0, end: 10 })
    for (let i = 0; i < 10; i++) expect(String((await restarted.next())?.block)).toBe(`block ${i}`)
  })
})
