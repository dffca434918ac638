import { Archiver, FileStore, openFromArchive, restore } from '@cloudpal/s3-archiver'
import { tmpDir, tmpStore } from '@cloudpal/test-kit'
import type Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import type Hypercore from 'hypercore'
import { expect, test } from 'vitest'
import {
  carryBlocks,
  type CoreLike,
  endOf,
  planRoll,
  pullBlocks,
  readChain,
  startRoll,
  writeChain
} from '../src/cores/index.ts'
import { BlockJudge, createKeyPair, resolve, Sigchain, verify } from '../src/index.ts'
import { ada, addDevice, DAY, keyPair, keyPairs, manualTime, publicKeys } from './people.ts'
import { filled, hypercore } from './rolls.ts'

const bytes = (text: string): Buffer => Buffer.from(text)

/** A laptop with a bee that the identity calls `notes`, and with the chain in a core; all of it in an archive. */
async function laptop(now: () => number): Promise<{
  store: Corestore
  bee: Hyperbee<Buffer, Buffer>
  bucket: FileStore
  identity: Uint8Array
  chainKey: Uint8Array
}> {
  const store = await tmpStore()
  const bee = new Hyperbee<Buffer, Buffer>(store.get({ name: 'notes' }), { extension: false })
  const batch = bee.batch()
  for (let i = 0; i < 500; i++) await batch.put(bytes(`note ${i}`), bytes(`text ${i}`))
  await batch.flush()
  const chain = ada(now)
  const device = addDevice(chain, 'laptop', 'admin')
  const first = { name: 'notes', core: bee.core.key as Uint8Array, previous: null }
  chain.rollCore({ device, rolls: [first] }, keyPairs('control 0'))
  const chainCore = store.get({ name: 'chain' })
  await writeChain(chainCore, chain.events)
  const bucket = new FileStore(await tmpDir())
  const archiver = new Archiver(bucket, { corestore: store, live: false })
  await archiver.flush()
  await archiver.close()
  return { store, bee, bucket, identity: chain.state.identity, chainKey: chainCore.key as Uint8Array }
}

/** Friends sign for keys that the new machine has made, and nobody objects. Ends the laptop's core, and begins the next. */
async function takeOver(
  chain: Sigchain,
  now: ReturnType<typeof manualTime>,
  old: CoreLike,
  length?: number
): Promise<{ plan: ReturnType<typeof planRoll>; writer: ReturnType<typeof createKeyPair> }> {
  const keys = { control: { keys: publicKeys('new control') }, next: { keys: publicKeys('new next') } }
  chain.announceRecovery(keys, keyPairs('friend 0', 'friend 2', 'new control'))
  now.at += 7 * DAY
  chain.recover(keyPairs('new control'))
  const desktop = addDevice(chain, 'desktop', 'admin', keyPairs('new control'))
  const end = await endOf(old, length)
  const how = { reason: 'lost', cutOffs: [end] } as const
  chain.revokeDevice(keyPair('laptop').publicKey, how, keyPairs('new control'))
  const writer = createKeyPair()
  const plan = planRoll(end, { signers: [writer.publicKey] })
  const roll = { name: 'notes', core: plan.core, previous: plan.previous }
  chain.rollCore({ device: desktop, rolls: [roll] }, keyPairs('new control'))
  return { plan, writer }
}

test('a new machine that knows only the identity, and has a bucket, reads the bee at once, writes it under a new key, and is archived again', async () => {
  const now = manualTime()
  const { store: lost, bee: old, bucket, identity, chainKey } = await laptop(now)
  const mine = await tmpStore()

  await restore(bucket, { corestore: mine, key: chainKey })
  const events = await readChain(mine.get({ key: chainKey }))
  const chain = Sigchain.open(events, { trusted: identity }, { now })
  const known = resolve(chain.state, 'notes')?.core as Uint8Array
  await restore(bucket, { corestore: mine, key: known })
  const restored = mine.get({ key: known })
  await restored.ready()
  const reading = new Hyperbee<Buffer, Buffer>(restored, { extension: false })
  expect(String((await reading.get(bytes('note 321')))?.value)).toBe('text 321')
  expect(restored.writable).toBe(false)

  const { plan, writer } = await takeOver(chain, now, restored)
  const core = await startRoll(mine, plan, restored, { keyPair: writer })
  expect(await carryBlocks(restored, core)).toBe(restored.length)
  const bee = new Hyperbee<Buffer, Buffer>(hypercore(core), { extension: false })
  await bee.put(bytes('note 321'), bytes('written on the new machine'))
  expect(String((await bee.get(bytes('note 321')))?.value)).toBe('written on the new machine')
  expect(String((await bee.get(bytes('note 322')))?.value)).toBe('text 322')

  // Whoever finds the laptop writes on, and its archive is none any more.
  await old.put(bytes('note 322'), bytes('found in a lake'))
  const key = old.core.key as Uint8Array
  const judge = new BlockJudge(verify(chain.toBytes(), { trusted: identity, now: now.at }).state)
  const treeHash = await old.core.treeHash(plan.previous.length)
  expect(judge.acceptBlock(key, plan.previous.length - 1, treeHash)).toBe(true)
  expect(judge.acceptBlock(key, plan.previous.length, treeHash)).toBe(false)
  const [taken, fenced] = [
    { corestore: mine, live: false, takeOver: true },
    { corestore: lost, live: false }
  ]
  const archiver = new Archiver(bucket, taken)
  await archiver.flush()
  await archiver.close()
  const stale = new Archiver(bucket, fenced)
  await expect(stale.flush()).rejects.toMatchObject({ code: 'S3_ARCHIVER_HELD' })
  await stale.close()

  const third = await tmpStore()
  await restore(bucket, { corestore: third, key: plan.core })
  const again = new Hyperbee<Buffer, Buffer>(third.get({ key: plan.core }), { extension: false })
  expect(String((await again.get(bytes('note 321')))?.value)).toBe('written on the new machine')
  expect(String((await again.get(bytes('note 322')))?.value)).toBe('text 322')
})

test.each([
  ['where it ends', 20_000],
  ['where it was last in good hands', 15_001]
])('a core goes on from its archive alone, %s, for a few requests and none for blocks', async (_, length) => {
  const now = manualTime()
  const [lost, mine] = [await tmpStore(), await tmpStore()]
  const log = await filled(lost, 'log', 20_000)
  const bucket = new FileStore(await tmpDir())
  const archiver = new Archiver(bucket, { corestore: lost, live: false })
  await archiver.flush()
  await archiver.close()
  let stored = 0
  for await (const { size } of bucket.list('')) stored += size

  const archive = await openFromArchive(bucket, { key: log.key as Uint8Array })
  const source = archive.core as unknown as Hypercore
  const chain = ada(now)
  const device = addDevice(chain, 'laptop', 'admin')
  const first = { name: 'notes', core: log.key as Uint8Array, previous: null }
  chain.rollCore({ device, rolls: [first] }, keyPairs('control 0'))
  const { plan, writer } = await takeOver(chain, now, source, length)
  const core = await startRoll(mine, plan, source, { keyPair: writer })
  await core.append('mine')
  expect([core.length, core.writable]).toEqual([length + 1, true])
  const { requests, bytesRead } = archive.stats()
  expect(requests).toBeLessThanOrEqual(4)
  expect(bytesRead).toBeLessThan(stored / 4)

  // A block comes when somebody wants it, and only if it is the right one.
  await source.get(12_345)
  expect(await pullBlocks(source, core, { start: 12_345, end: 12_346 })).toBe(1)
  expect(String(await core.get(12_345, { wait: false }))).toBe('block 12345')
  await archive.close()
})
