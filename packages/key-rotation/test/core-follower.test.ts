import { replicate, tmpStore } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { carryBlocks, CoreFollower } from '../src/cores/index.ts'
import { createKeyPair, verify } from '../src/index.ts'
import { bytesOf, keyPairs } from './people.ts'
import { filled, hypercore, named, roll, texts } from './rolls.ts'

async function readAll(follower: CoreFollower, options: object = {}): Promise<string[]> {
  const blocks: string[] = []
  for (let next = await follower.next(options); next !== null; next = await follower.next(options)) {
    expect(next.index).toBe(follower.position - 1)
    blocks.push(String(next.block))
  }
  return blocks
}

/** A core of ten blocks, and a follower elsewhere that has read them all. */
async function caughtUp() {
  const [mine, theirs] = [await tmpStore(), await tmpStore()]
  const old = await filled(mine, 'notes', 10)
  const chain = named('notes', old)
  replicate(mine, theirs)
  const follower = new CoreFollower(theirs, 'notes')
  await follower.update(chain.state)
  await readAll(follower)
  return { mine, theirs, old, chain, follower }
}

test('a follower that was offline during three roll-overs misses no block and repeats none', async () => {
  const [mine, theirs] = [await tmpStore(), await tmpStore()]
  const encryptionKey = bytesOf(42)
  const first = await filled(mine, 'notes', 6, { encryption: { key: encryptionKey } })
  const chain = named('notes', first)
  const trusted = chain.state.identity
  const wire = replicate(mine, theirs)
  await using follower = new CoreFollower(theirs, 'notes', { encryptionKey })
  await follower.update(verify(chain.toBytes(), { trusted }).state)
  expect(await readAll(follower)).toEqual(texts(0, 6).map(String))
  await wire.cut()

  let core = first
  for (const start of [6, 9, 12]) {
    const next = await roll(mine, chain, 'notes', core, { encryptionKey })
    await carryBlocks(core, next)
    await next.append(texts(start, start + 3))
    core = hypercore(next)
  }
  wire.heal()
  expect(await follower.update(verify(chain.toBytes(), { trusted: chain.state }).state)).toBe(null)
  expect(await readAll(follower)).toEqual(texts(6, 15).map(String))
  expect([follower.position, follower.core]).toEqual([15, core.key])
  await wire.cut()
  // Goes on after a restart, and what it had of the first core need not be fetched again.
  const has = (i: number): Promise<boolean> => theirs.get({ key: core.key }).has(i)
  expect([await has(0), await has(5), await has(6)]).toEqual([false, false, true])
  await using restarted = new CoreFollower(theirs, 'notes', {
    encryptionKey,
    position: 4,
    core: first.key as Uint8Array
  })
  await restarted.update(chain.state)
  expect(await restarted.carry()).toBe(6)
  expect(await readAll(restarted, { wait: false })).toEqual(texts(4, 15).map(String))
})

test.each([
  [8, true],
  [8, false],
  [7, false]
])(
  'a name of %i blocks goes on twice before anything was written, also where no block was carried',
  async (count, isCarried) => {
    const [mine, theirs] = [await tmpStore(), await tmpStore()]
    const old = await filled(mine, 'notes', count)
    const chain = named('notes', old)
    replicate(mine, theirs)
    await using follower = new CoreFollower(theirs, 'notes')
    await follower.update(chain.state)
    expect(await readAll(follower)).toEqual(texts(0, count).map(String))
    const between = hypercore(await roll(mine, chain, 'notes', old))
    const core = await roll(mine, chain, 'notes', between)
    if (isCarried) await carryBlocks(old, core)
    await core.append('more')
    expect(await follower.update(chain.state)).toBe(null)
    expect(String((await follower.next())?.block)).toBe('more')
  }
)

test('what was read past the end is said to be retracted, and what came in its place is read', async () => {
  const { mine, theirs, old, chain, follower: opened } = await caughtUp()
  await using follower = opened
  const core = await roll(mine, chain, 'notes', old, { length: 7 })
  await carryBlocks(old, core)
  await core.append('mine')
  expect(await follower.update(chain.state)).toEqual({ core: old.key, start: 7, end: 10 })
  expect(await follower.carry()).toBe(0)
  expect(await readAll(follower)).toEqual(['mine'])
  expect(await follower.carry()).toBe(7)
  expect(await theirs.get({ key: core.key }).has(0, 8)).toBe(true)
  // Never deleted: it is all in the old core.
  const quarantined = await theirs.get({ key: old.key }).get(9, { wait: false })
  expect(String(quarantined)).toBe('block 9')
})

test('what a follower has carried over it can serve to others, who trust nobody', async () => {
  const [mine, theirs, third] = [await tmpStore(), await tmpStore(), await tmpStore()]
  const old = await filled(mine, 'notes', 13)
  const chain = named('notes', old)
  const wire = replicate(mine, theirs)
  await using follower = new CoreFollower(theirs, 'notes')
  await follower.update(chain.state)
  await readAll(follower)
  const core = await roll(mine, chain, 'notes', old)
  await core.append(texts(13, 29))
  await follower.update(chain.state)
  expect(await readAll(follower)).toEqual(texts(13, 29).map(String))
  await follower.carry()
  await wire.cut()
  replicate(theirs, third)
  await using other = new CoreFollower(third, 'notes')
  await other.update(chain.state)
  expect(await readAll(other)).toEqual(texts(0, 29).map(String))
})

test('of several ends on the way the lowest counts', async () => {
  const { mine, old, chain, follower: opened } = await caughtUp()
  await using follower = opened
  const second = await roll(mine, chain, 'notes', old, { length: 5 })
  await carryBlocks(old, second)
  await second.append(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
  const third = await roll(mine, chain, 'notes', hypercore(second))
  await carryBlocks(second, third)
  expect(await follower.update(chain.state)).toEqual({ core: old.key, start: 5, end: 10 })
  expect(await readAll(follower)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
})

test('a core of which too little is here is no other history', async () => {
  const [mine, theirs] = [await tmpStore(), await tmpStore()]
  const old = await filled(mine, 'notes', 5)
  const chain = named('notes', old)
  const wire = replicate(mine, theirs)
  await using follower = new CoreFollower(theirs, 'notes')
  await follower.update(chain.state)
  expect(await follower.next()).toMatchObject({ index: 0 })
  const core = await roll(mine, chain, 'notes', old, { length: 3 })
  await carryBlocks(old, core)
  await follower.update(chain.state)
  expect(await follower.next()).toMatchObject({ index: 1 })
  expect(await follower.carry()).toBe(0)
  const [from, to] = [old, core].map(({ key }) => theirs.get({ key: key as Uint8Array }))
  await Promise.all([from?.ready(), to?.ready()])
  expect(await carryBlocks(from as never, to as never)).toBe(2)
  await wire.cut()
  expect(await readAll(follower, { wait: false })).toEqual(['block 2'])
})

test('a core that ends where its writer was revoked is read up to there', async () => {
  const [mine, theirs] = [await tmpStore(), await tmpStore()]
  const old = await filled(mine, 'notes', 4)
  const chain = named('notes', old)
  const core = await roll(mine, chain, 'notes', old)
  await carryBlocks(old, core)
  await core.append(texts(4, 8))
  replicate(mine, theirs)
  await using follower = new CoreFollower(theirs, 'notes')
  await follower.update(chain.state)
  expect(await readAll(follower)).toHaveLength(8)
  const end = { core: core.key as Uint8Array, fork: 0, length: 6, treeHash: await core.treeHash(6) }
  const state = { ...chain.state, cutOffs: new Map([[Buffer.from(end.core).toString('hex'), end]]) }
  expect(await follower.update(state)).toEqual({ core: core.key, start: 6, end: 8 })
  expect(await follower.next()).toBe(null)
})

test('a core that is not the one that was meant is refused', async () => {
  const store = await tmpStore()
  const old = await filled(store, 'notes', 4)
  const other = await filled(store, 'other', 6)
  const chain = named('notes', old)
  const previous = { core: old.key as Uint8Array, fork: 0, length: 4, treeHash: await old.treeHash(4) }
  chain.rollCore(
    { rolls: [{ name: 'notes', core: other.key as Uint8Array, previous }] },
    keyPairs('control 0')
  )
  await using follower = new CoreFollower(store, 'notes')
  await follower.update(chain.state)
  await expect(follower.next()).rejects.toMatchObject({ code: 'KEY_ROTATION_CORE_MISMATCH' })
  await expect(new CoreFollower(store, 'nothing').update(chain.state)).rejects.toMatchObject({
    code: 'KEY_ROTATION_CORE_MISMATCH'
  })
  await follower.close()
  await expect(follower.next()).rejects.toMatchObject({ code: 'KEY_ROTATION_CLOSED' })
})

test('a follower that has read a thief’s second history of the old core is told, and not led on', async () => {
  const [mine, thiefs, theirs] = [await tmpStore(), await tmpStore(), await tmpStore()]
  const keyPair = createKeyPair()
  const [old, second] = [mine.get({ keyPair }), thiefs.get({ keyPair })]
  await Promise.all([old.ready(), second.ready()])
  await old.append(['one', 'two', 'three'])
  await second.append(['one', 'something', 'else'])
  const chain = named('notes', old)
  const wire = replicate(thiefs, theirs)
  await using follower = new CoreFollower(theirs, 'notes')
  await follower.update(chain.state)
  expect(await readAll(follower)).toEqual(['one', 'something', 'else'])
  await wire.destroy()
  const core = await roll(mine, chain, 'notes', old)
  await core.append('four')
  replicate(mine, theirs)
  await follower.update(chain.state)
  await expect(follower.next()).rejects.toMatchObject({ code: 'KEY_ROTATION_CORE_MISMATCH' })
})
