import { replicate, tmpStore } from '@cloudpal/test-kit'
import type Hypercore from 'hypercore'
import { expect, test, vi } from 'vitest'
import { carryBlocks, CoreFollower, endOf, planRoll, startRoll } from '../src/cores/index.ts'
import type { Sigchain } from '../src/index.ts'
import { ada, addDevice, bytesOf, keyPair, keyPairs } from './people.ts'
import { codeOfAsync } from './parties.ts'
import { filled, hypercore, named, roll, texts } from './rolls.ts'

const control = keyPairs('control 0')
const compromised = { reason: 'compromised' } as const

/** An identity whose phone writes `notes`. */
function phonesNotes(core: Hypercore): { chain: Sigchain; device: Uint8Array } {
  const chain = ada()
  const device = addDevice(chain, 'phone')
  const rolls = [{ name: 'notes', core: core.key as Uint8Array, previous: null }]
  chain.rollCore({ device, rolls }, control)
  return { chain, device }
}

test('a follower says so when what it has read below an end is of another history than the one that was ended', async () => {
  const store = await tmpStore()
  const core = await filled(store, 'notes', 10)
  const { chain, device } = phonesNotes(core)
  const end = await endOf(core, 8)
  await core.truncate(5)
  await core.append(Array.from({ length: 5 }, () => 'thief'))
  await using follower = new CoreFollower(store, 'notes')
  await follower.update(chain.state)
  for (let i = 0; i < 10; i++) await follower.next()
  chain.revokeDevice(device, { ...compromised, cutOffs: [end] }, control)
  const told = async (): Promise<boolean> => {
    const retracted = await follower.update(chain.state)
    await follower.next({ wait: false })
    return retracted !== null && retracted.start <= 5
  }
  expect(await told().catch(({ code }: { code: string }) => code === 'KEY_ROTATION_CORE_MISMATCH')).toBe(true)
})

test('nor does one that goes on from a bookmark take what it has read for what was ended', async () => {
  const store = await tmpStore()
  const core = await filled(store, 'notes', 8)
  const { chain, device } = phonesNotes(core)
  const end = await endOf(core, 8)
  chain.revokeDevice(device, { ...compromised, cutOffs: [end] }, control)
  const bookmark = { core: core.key, position: 8, treeHash: bytesOf(9) }
  await using follower = new CoreFollower(store, 'notes', bookmark)
  const told = async (): Promise<unknown> => {
    const retracted = await follower.update(chain.state)
    return retracted ?? (await follower.next({ wait: false }))
  }
  expect(await told().catch(({ code }: { code: string }) => code)).not.toBe(null)
})

test('an older core that its thief has written again keeps nothing of the others from being carried over', async () => {
  const store = await tmpStore()
  const first = await filled(store, 'notes', 4)
  const chain = named('notes', first)
  const second = hypercore(await roll(store, chain, 'notes', first))
  await second.append(texts(4, 6))
  await roll(store, chain, 'notes', second)
  await first.truncate(1)
  await first.append(['thief', 'thief', 'thief'])
  await using follower = new CoreFollower(store, 'notes')
  await follower.update(chain.state)
  expect(await follower.carry().catch((error: unknown) => error)).toBe(2)
})

/** Two roll-overs on one machine, with nothing carried over. */
async function rolledTwice() {
  const store = await tmpStore()
  const first = await filled(store, 'notes', 3)
  const chain = named('notes', first)
  const second = hypercore(await roll(store, chain, 'notes', first))
  await second.append(texts(3, 6))
  await roll(store, chain, 'notes', second)
  const follower = new CoreFollower(store, 'notes')
  await follower.update(chain.state)
  return { follower }
}

test('all that is here of the older cores is carried over at once, that of the oldest one, too', async () => {
  const { follower } = await rolledTwice()
  expect(await follower.carry()).toBe(6)
  await follower.close()
})

test('what is here of the older cores is read without a peer', async () => {
  const { follower } = await rolledTwice()
  expect(await follower.next({ wait: false })).toMatchObject({ index: 0, block: Buffer.from('block 0') })
  await follower.close()
})

test('a block that is here in a core between is read from there, whatever the thief of the oldest one has written', async () => {
  const [mine, theirs] = [await tmpStore(), await tmpStore()]
  const first = await filled(mine, 'notes', 3)
  const chain = named('notes', first)
  const second = hypercore(await roll(mine, chain, 'notes', first))
  await second.append(texts(3, 6))
  const wire = replicate(mine, theirs)
  await using follower = new CoreFollower(theirs, 'notes')
  await follower.update(chain.state)
  for (let i = 0; i < 6; i++) await follower.next()
  await wire.cut()
  // All of the second core is here; the thief has the first one.
  const copy = theirs.get({ key: second.key as Uint8Array })
  await copy.ready()
  expect(await copy.has(0, 6)).toBe(true)
  await first.truncate(1)
  await first.append(['thief', 'thief', 'thief'])
  const third = await roll(mine, chain, 'notes', second)
  await third.append(texts(6, 7))
  wire.heal()
  await using again = new CoreFollower(theirs, 'notes')
  await again.update(chain.state)
  const read = await again.next({ timeout: 60_000 }).catch((error: unknown) => error)
  expect(String((read as { block?: unknown } | null)?.block ?? read)).toBe('block 0')
})

test('a follower that cannot go over to a newer state gives out nothing more of the core that no longer counts', async () => {
  const store = await tmpStore()
  const [wrong, right] = [await filled(store, 'wrong', 3), await filled(store, 'right', 3)]
  const [before, after]: [Sigchain, Sigchain] = [named('notes', wrong), named('notes', right)]
  await using follower = new CoreFollower(store, 'notes')
  await follower.update(before.state)
  await follower.next()
  expect(await codeOfAsync(follower.update(after.state))).toBe('KEY_ROTATION_CORE_MISMATCH')
  expect(
    await follower.next().then(
      (found) => found && String(found.block),
      () => null
    )
  ).toBe(null)
})

test('a follower of a core that is its name’s no more goes back to where that parted, also after a restart, and reads on from there', async () => {
  const store = await tmpStore()
  const chain = ada()
  const [phone] = [addDevice(chain, 'phone'), addDevice(chain, 'laptop', 'admin')]
  const first = await filled(store, 'notes', 10)
  const rolls = [{ name: 'notes', core: first.key as Uint8Array, previous: null }]
  chain.rollCore({ device: phone, rolls }, control)
  const puppet = addDevice(chain, 'puppet', 'writer', keyPairs('laptop'))
  const plan = planRoll(await endOf(first, 5), { signers: [puppet] })
  const taken = [{ name: 'notes', core: plan.core, previous: plan.previous }]
  chain.rollCore({ device: puppet, rolls: taken }, keyPairs('laptop', 'puppet'))
  const core = await startRoll(store, plan, first, { keyPair: keyPair('puppet') })
  await carryBlocks(first, core)
  await core.append(['thief'])
  await using follower = new CoreFollower(store, 'notes')
  await follower.update(chain.state)
  for (let i = 0; i < 6; i++) await follower.next()
  const bookmark = await follower.bookmark()
  chain.revokeDevice(phone, { ...compromised, cutOffs: [await endOf(first, 10)] }, control)
  await using again = new CoreFollower(store, 'notes', bookmark)
  for (const each of [follower, again]) {
    expect(await each.update(chain.state)).toEqual({ core: core.key, start: 5, end: 6 })
    const read = []
    for (let next; (next = await each.next({ wait: false })) !== null;) read.push(next.block)
    expect(read).toEqual(texts(5, 10))
  }
  await using other = new CoreFollower(store, 'notes', { ...bookmark, core: bytesOf(9) })
  expect(await codeOfAsync(other.update(chain.state))).toBe('KEY_ROTATION_CORE_MISMATCH')
})

test('what is here is carried into the core that a follower reads, also by a state that it has not gone over to yet', async () => {
  const store = await tmpStore()
  const first = await filled(store, 'notes', 4)
  const chain = named('notes', first)
  const second = hypercore(await roll(store, chain, 'notes', first))
  await using follower = new CoreFollower(store, 'notes')
  await follower.update(chain.state)
  await second.append(texts(4, 6))
  await roll(store, chain, 'notes', second)
  expect(await follower.carry().catch((error: unknown) => error)).toBe(4)
})

/** A stolen admin ends `notes` where it likes, with a tree hash of its own, and names a core that begins otherwise. */
async function falseBeginning() {
  const store = await tmpStore()
  const first = await filled(store, 'notes', 10)
  const { chain, device } = phonesNotes(first)
  addDevice(chain, 'stolen', 'admin')
  const puppet = addDevice(chain, 'puppet', 'writer', keyPairs('stolen'))
  const before = chain.state
  const other = store.get({ name: 'other' })
  await other.append(Array.from({ length: 8 }, () => 'false'))
  const end = { ...(await endOf(other)), core: first.key as Uint8Array }
  const plan = planRoll(end, { signers: [puppet] })
  const rolls = [{ name: 'notes', core: plan.core, previous: plan.previous }]
  chain.rollCore({ device: puppet, rolls }, keyPairs('stolen', 'puppet'))
  const core = await startRoll(store, plan, other, { keyPair: keyPair('puppet') })
  await carryBlocks(other, core)
  await core.append(['thief', 'thief'])
  const putRight = async (): Promise<void> => {
    chain.revokeDevice(device, { ...compromised, cutOffs: [await endOf(first, 9)] }, control)
  }
  return { store, chain, device, first, before, core, putRight }
}

async function readAll(follower: CoreFollower): Promise<string[]> {
  const read = []
  for (let next; (next = await follower.next({ wait: false })) !== null;) read.push(String(next.block))
  return read
}

test('a follower that began with a thief’s false beginning gives all of it back when that was put right, and reads what counts', async () => {
  const { store, chain, core, putRight } = await falseBeginning()
  await using follower = new CoreFollower(store, 'notes')
  await follower.update(chain.state)
  expect(await readAll(follower)).toHaveLength(10)
  await putRight()
  expect(await follower.update(chain.state)).toEqual({ core: core.key, start: 8, end: 10 })
  expect(await codeOfAsync(follower.next())).toBe('KEY_ROTATION_CORE_MISMATCH')
  expect(await codeOfAsync(follower.bookmark())).toBe('KEY_ROTATION_CORE_MISMATCH')
  expect(await follower.update(chain.state)).toEqual({ core: core.key, start: 0, end: 8 })
  expect(await readAll(follower)).toEqual(texts(0, 9).map(String))
})

test('one that has the right beginning goes over to the false one, and back', async () => {
  const { store, chain, first, before, core, putRight } = await falseBeginning()
  await using follower = new CoreFollower(store, 'notes')
  await follower.update(before)
  for (let i = 0; i < 5; i++) await follower.next()
  expect(await follower.update(chain.state)).toBe(null)
  expect(await codeOfAsync(follower.next())).toBe('KEY_ROTATION_CORE_MISMATCH')
  expect(await follower.update(chain.state)).toEqual({ core: first.key, start: 0, end: 5 })
  expect(await readAll(follower)).toHaveLength(10)
  await putRight()
  expect(await follower.update(chain.state)).toEqual({ core: core.key, start: 8, end: 10 })
  expect(await codeOfAsync(follower.next())).toBe('KEY_ROTATION_CORE_MISMATCH')
  await follower.update(chain.state)
  expect(await readAll(follower)).toEqual(texts(0, 9).map(String))
})

test('a thief’s core that goes on from nothing, whose manifest says otherwise, is given back whole', async () => {
  const store = await tmpStore()
  const first = await filled(store, 'notes', 10)
  const { chain, device } = phonesNotes(first)
  addDevice(chain, 'stolen', 'admin')
  const puppet = addDevice(chain, 'puppet', 'writer', keyPairs('stolen'))
  const other = store.get({ name: 'other' })
  await other.append(Array.from({ length: 8 }, () => 'false'))
  const plan = planRoll({ ...(await endOf(other)), core: first.key as Uint8Array }, { signers: [puppet] })
  const rolls = [{ name: 'notes', core: plan.core, previous: await endOf(first, 0) }]
  chain.rollCore({ device: puppet, rolls }, keyPairs('stolen', 'puppet'))
  const core = await startRoll(store, plan, other, { keyPair: keyPair('puppet') })
  await carryBlocks(other, core)
  await using follower = new CoreFollower(store, 'notes')
  await follower.update(chain.state)
  expect(await readAll(follower)).toHaveLength(8)
  await roll(store, chain, 'notes', first, { device, length: 9 })
  expect(await follower.update(chain.state)).toEqual({ core: core.key, start: 0, end: 8 })
  expect(await readAll(follower)).toEqual(texts(0, 9).map(String))
})

test('so is one that has read all that was written in the place of what counts, and nobody writes any more', async () => {
  const { store, chain, device, first, core } = await falseBeginning()
  await using follower = new CoreFollower(store, 'notes')
  await follower.update(chain.state)
  for (let i = 0; i < 8; i++) await follower.next()
  const bookmark = await follower.bookmark()
  await roll(store, chain, 'notes', first, { device, length: 8 })
  await using again = new CoreFollower(store, 'notes', bookmark)
  for (const each of [follower, again]) {
    expect(await each.update(chain.state)).toBe(null)
    expect(await codeOfAsync(each.next({ wait: false }))).toBe('KEY_ROTATION_CORE_MISMATCH')
    expect(await each.update(chain.state)).toEqual({ core: core.key, start: 0, end: 8 })
    expect(await readAll(each)).toEqual(texts(0, 8).map(String))
  }
})

test('and one whose writer has written otherwise as much as was read, while it was not here', async () => {
  const store = await tmpStore()
  const core = await filled(store, 'notes', 10)
  const { chain } = phonesNotes(core)
  const follower = new CoreFollower(store, 'notes')
  await follower.update(chain.state)
  expect(await readAll(follower)).toHaveLength(10)
  const bookmark = await follower.bookmark()
  await follower.close()
  await core.truncate(5)
  await core.append(Array.from({ length: 5 }, () => 'new'))
  await using again = new CoreFollower(store, 'notes', bookmark)
  await again.update(chain.state)
  expect(await codeOfAsync(again.next({ wait: false }))).toBe('KEY_ROTATION_CORE_MISMATCH')
  expect(await again.update(chain.state)).toEqual({ core: core.key, start: 0, end: 10 })
  expect(await readAll(again)).toHaveLength(10)
})

test('cores that go on from each other in a circle, as a thief may name them, are not walked for ever', async () => {
  const store = await tmpStore()
  const [second, right] = [await filled(store, 'second', 3), await filled(store, 'right', 3)]
  const plan = planRoll({ ...(await endOf(second, 0)) }, { signers: [keyPair('puppet').publicKey] })
  const first = await startRoll(store, plan, second, { keyPair: keyPair('puppet') })
  const chain = named('notes', hypercore(first))
  const previous = await endOf(hypercore(first), 0)
  chain.rollCore({ rolls: [{ name: 'notes', core: second.key as Uint8Array, previous }] }, control)
  await using follower = new CoreFollower(store, 'notes')
  await follower.update(chain.state)
  expect(await readAll(follower)).toHaveLength(3)
  expect(await codeOfAsync(follower.update(named('notes', right).state))).toBe('KEY_ROTATION_CORE_MISMATCH')
})

test('of thousands of cores that a stolen admin has had named on top of each other only some are opened', async () => {
  const store = await tmpStore()
  const first = await filled(store, 'notes', 10)
  const { chain, device } = phonesNotes(first)
  addDevice(chain, 'stolen', 'admin')
  const puppet = addDevice(chain, 'puppet', 'writer', keyPairs('stolen'))
  const end = await endOf(first)
  let plan = planRoll(end, { signers: [puppet] })
  for (let i = 0; i < 200; i++) {
    if (i > 0) plan = planRoll({ ...end, core: plan.core }, { signers: [puppet] })
    const rolls = [{ name: 'notes', core: plan.core, previous: plan.previous }]
    chain.rollCore({ device: puppet, rolls }, keyPairs('stolen', 'puppet'))
  }
  const newest = await startRoll(store, plan, first, { keyPair: keyPair('puppet') })
  await newest.append(['thief'])
  const opened = vi.spyOn(store, 'get')
  await using follower = new CoreFollower(store, 'notes')
  await follower.update(chain.state)
  expect(await readAll(follower)).toEqual([...texts(0, 10).map(String), 'thief'])
  expect(opened.mock.calls.length).toBeLessThan(80)
  await roll(store, chain, 'notes', first, { device })
  expect(await follower.update(chain.state)).toEqual({ core: newest.key, start: 10, end: 11 })
})

test('where it cannot be told whether the beginning of what was read of a core that is the name’s no more counts, all is given back', async () => {
  const { store, chain, device, first, core } = await falseBeginning()
  await using follower = new CoreFollower(store, 'notes')
  await follower.update(chain.state)
  expect(await readAll(follower)).toHaveLength(10)
  const thief = { device: keyPair('puppet').publicKey, signers: keyPairs('stolen', 'puppet') }
  const newest = await roll(store, chain, 'notes', hypercore(core), thief)
  await newest.append('thief')
  expect(await follower.update(chain.state)).toBe(null)
  expect(await readAll(follower)).toEqual(['thief'])
  // Of a length whose nodes are not among those that the newest core has.
  await roll(store, chain, 'notes', first, { device, length: 5 })
  expect(await follower.update(chain.state)).toEqual({ core: newest.key, start: 0, end: 11 })
  expect(await readAll(follower)).toEqual(texts(0, 5).map(String))
})
