import { replicate, tmpStore } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { CoreFollower, endOf, planRoll, pullBlocks, startRoll } from '../src/cores/index.ts'
import { BlockJudge, createKeyPair, requestToJoin, resolve, Sigchain, verify } from '../src/index.ts'
import { ada, addDevice, codeOf, DAY, keyPair, keyPairs, manualTime, publicKeys } from './people.ts'
import { filled, texts } from './rolls.ts'

test('a new machine without any old key takes over, from what an archive has: readable at once, writable, the old key refused', async () => {
  const now = manualTime()
  const [lost, elsewhere, mine] = [await tmpStore(), await tmpStore(), await tmpStore()]
  const notes = await filled(lost, 'notes', 200)
  const chain = ada(now)
  const laptop = addDevice(chain, 'laptop', 'admin')
  const first = { name: 'notes', core: notes.key as Uint8Array, previous: null }
  chain.rollCore({ device: laptop, rolls: [first] }, keyPairs('control 0'))
  // An archive that has nothing but the public chain and the core, up to some moment; then the laptop falls into a lake.
  const wire = replicate(lost, elsewhere)
  const archived = elsewhere.get({ key: notes.key })
  await archived.ready()
  await archived.download({ start: 0, end: 200 }).done()
  await wire.destroy()
  const archive = { proof: (options: object) => archived.proof(options), chain: chain.toBytes() }
  const treeHash = await notes.treeHash()

  // The friends sign for a key that the new machine has made, and a week goes by.
  const again = Sigchain.open(archive.chain, { trusted: chain.state.identity }, { now })
  const keys = { control: { keys: publicKeys('new control') }, next: { keys: publicKeys('new next') } }
  again.announceRecovery(keys, keyPairs('friend 0', 'friend 2', 'new control'))
  expect(codeOf(() => again.recover(keyPairs('new control')))).toBe('KEY_ROTATION_RECOVERY_TOO_EARLY')
  now.at += 7 * DAY
  again.recover(keyPairs('new control'))
  const desktop = keyPair('desktop')
  again.addDevice(
    requestToJoin(again.state.identity, desktop, { name: 'desktop', role: 'admin' }),
    keyPairs('new control')
  )
  const end = { core: notes.key as Uint8Array, fork: 0, length: 200, treeHash }
  again.revokeDevice(laptop, { reason: 'lost', cutOffs: [end] }, keyPairs('new control'))
  const writer = createKeyPair()
  const plan = planRoll(end, { signers: [writer.publicKey] })
  const roll = { name: 'notes', core: plan.core, previous: plan.previous }
  again.rollCore({ device: desktop.publicKey, rolls: [roll] }, keyPairs('new control'))

  const core = await startRoll(mine, plan, archive, { keyPair: writer })
  expect([core.length, core.writable]).toEqual([200, true])
  await core.append('block 200')
  expect(await pullBlocks(archive, core, { start: 150, end: 151 })).toBe(1)
  expect(String(await core.get(150, { wait: false }))).toBe('block 150')

  // Whoever follows the identity goes over, and whatever the laptop's key still signs does not count.
  const { state } = verify(again.toBytes(), { trusted: chain.state, now: now() })
  await pullBlocks(archive, core)
  const follower = new CoreFollower(elsewhere, 'notes', { position: 200, core: notes.key as Uint8Array })
  replicate(mine, elsewhere)
  expect(await follower.update(state)).toBe(null)
  expect(String((await follower.next())?.block)).toBe('block 200')
  expect(await follower.carry()).toBeGreaterThanOrEqual(199)
  await follower.close()
  await notes.append('found by somebody')
  expect(new BlockJudge(state).acceptBlock(notes.key as Uint8Array, 200, treeHash)).toBe(false)
  expect(codeOf(() => addDevice(again, 'friend of the finder', 'reader', keyPairs('laptop')))).toBe(
    'KEY_ROTATION_DEVICE_REVOKED'
  )
  expect(resolve(state, 'notes')).toMatchObject({ core: plan.core, device: desktop.publicKey, end: null })
  const all = await Promise.all(texts(0, 200).map((_, i) => core.get(i, { wait: false })))
  expect(all.map(String)).toEqual(texts(0, 200).map(String))
  expect(await endOf(core)).toMatchObject({ core: plan.core, length: 201 })
})
