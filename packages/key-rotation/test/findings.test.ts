import { tmpStore } from '@cloudpal/test-kit'
import Hyperdrive from 'hyperdrive'
import { expect, test } from 'vitest'
import { CoreFollower, endOf, nameDrive, openDrive, planDriveRoll } from '../src/cores/index.ts'
import { Authenticator } from '../src/connections/index.ts'
import { encodeEvents } from '../src/connections/messages.ts'
import { Peer } from '../src/connections/peer.ts'
import { IdentityMemory, Sigchain, verify } from '../src/index.ts'
import { ada, addDevice, bytesOf, DAY, keyPair, keyPairs, publicKeys, START } from './people.ts'
import { codeOfAsync, copyOf, family, meet, party, ram } from './parties.ts'

const keysOf = (control: string, next: string) => ({
  control: { keys: publicKeys(control) },
  next: { keys: publicKeys(next) }
})
const now = () => START + 30 * DAY

/** A phone that has written `photos`. */
async function photos(): Promise<{
  store: Awaited<ReturnType<typeof tmpStore>>
  chain: Sigchain
  drive: Hyperdrive
  phone: Uint8Array
}> {
  const store = await tmpStore()
  const drive = new Hyperdrive(store.session())
  await drive.put('/one', Buffer.from('first'))
  const chain = ada()
  const phone = addDevice(chain, 'phone')
  chain.rollCore({ device: phone, rolls: await nameDrive(drive, 'photos') }, keyPairs('control 0'))
  return { store, chain, drive, phone }
}

async function shown(store: object, chain: Sigchain): Promise<string | null> {
  try {
    const drive = await openDrive(Hyperdrive, store as never, chain.state, 'photos')
    const bytes = await drive.get('/one', { wait: false })
    await drive.close()
    return bytes && Buffer.from(bytes).toString()
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

test('6: what lies below the end of a drive’s second core cannot be written again', async () => {
  const { store, chain, drive, phone } = await photos()
  const { ends } = await planDriveRoll(drive, 'photos', { signers: publicKeys('writer') })
  chain.revokeDevice(phone, { reason: 'compromised', cutOffs: ends }, keyPairs('control 0'))
  const blobs = (await drive.getBlobs()) as unknown as {
    core: { truncate(length: number): Promise<void>; append(block: Buffer): Promise<void> }
  }
  await blobs.core.truncate(0)
  await blobs.core.append(Buffer.from('thief'))
  expect(await shown(store, chain)).not.toBe('thief')
  await drive.close()
})

test('7: of a drive that is held nothing counts', async () => {
  const { store, chain, drive, phone } = await photos()
  chain.revokeDevice(phone, { reason: 'compromised' }, keyPairs('control 0'))
  await drive.put('/one', Buffer.from('thief'))
  expect(await shown(store, chain)).not.toBe('thief')
  await drive.close()
})

test('8: a drive that does not go on from the one before is none, as it is none for a follower', async () => {
  const { store, chain, drive, phone } = await photos()
  const { ends } = await planDriveRoll(drive, 'photos', { signers: publicKeys('writer') })
  const another = new Hyperdrive(store.namespace('false'))
  await another.put('/one', Buffer.from('thief'))
  const cores = await nameDrive(another, 'photos')
  const rolls = cores.map((roll, i) => ({ ...roll, previous: ends[i] ?? null }))
  // Signed by an admin that was stolen, and a writer that it let in.
  addDevice(chain, 'laptop', 'admin')
  const device = addDevice(chain, 'puppet', 'writer', keyPairs('laptop'))
  chain.rollCore({ device, rolls }, keyPairs('laptop', 'puppet'))
  expect(phone).not.toEqual(device)
  expect(await shown(store, chain)).not.toBe('thief')
  await another.close()
  await drive.close()
})

test('10: a device is told the whole chain a few times, and not as often as it likes', async () => {
  const mine = family()
  const memory = await IdentityMemory.open(ram(), mine.state.identity, mine.toBytes(), { now })
  const connection = {
    handshakeHash: null,
    isInitiator: true,
    opened: Promise.resolve(true),
    destroy() {},
    on() {}
  }
  const peer = new Peer(connection, memory, () => {})
  let told = 0
  peer.channel = { sendEvents: () => void told++, sendReceipt() {}, ask() {} }
  peer.hello = { device: keyPair('phone').publicKey, seq: 0, hash: mine.state.identity }
  peer.tell()
  const first = encodeEvents(0, mine.events.slice(0, 1)).message
  for (let round = 0; round < 20; round++) {
    // Receipts of events that there are not.
    for (let i = 0; i < 16; i++) peer.hears({ seq: 1000 + i, hash: bytesOf(i) })
    peer.hear(first)
    await peer.weighHeard()
    peer.tell()
  }
  expect(told).toBeLessThan(6)
})

/** A longer history that counted, and the one that takes its place. */
function superseding(): { before: Sigchain; after: Sigchain } {
  const [before, after] = [family(), family()]
  for (const name of ['one', 'two', 'three']) addDevice(before, name)
  after.rotate(keysOf('control 1', 'control 2'), keyPairs('control 1'))
  return { before, after }
}

test('12b: and so has a connected device that went over to it', async () => {
  const { before, after } = superseding()
  const [laptop, tablet] = [await party('laptop', after), await party('tablet', before)]
  await meet(laptop, tablet)
  const { identity } = after.state
  const confirmed = (): number => {
    const { receipts } = laptop.authenticator
    return verify(after.toBytes(), { trusted: identity, witnesses: { receipts } }).witnesses.confirmed.length
  }
  await expect.poll(() => tablet.memory.state.hash).toEqual(after.state.hash)
  await expect.poll(confirmed).toBe(1)
})

test('22: a drive without any file yet, but a link, goes on as others do', async () => {
  const store = await tmpStore()
  const drive = new Hyperdrive(store.session())
  await drive.symlink('/link', '/one')
  await nameDrive(drive, 'photos')
  const planned = planDriveRoll(drive, 'photos', { signers: publicKeys('writer') })
  expect(await codeOfAsync(planned)).toBe(null)
  await drive.close()
})

test('21: what a thief writes again below the end is not read, also while it is shorter than the end', async () => {
  const store = await tmpStore()
  const core = store.get({ name: 'notes' })
  await core.append(['0', '1', '2', '3'].map((text) => Buffer.from(text)))
  const chain = ada()
  const device = addDevice(chain, 'phone')
  const rolls = [{ name: 'notes', core: core.key as Uint8Array, previous: null }]
  chain.rollCore({ device, rolls }, keyPairs('control 0'))
  chain.revokeDevice(device, { reason: 'compromised', cutOffs: [await endOf(core)] }, keyPairs('control 0'))
  await core.truncate(2)
  await core.append(Buffer.from('thief'))
  const follower = new CoreFollower(store, 'notes')
  await follower.update(chain.state)
  const read: string[] = []
  const all = async (): Promise<void> => {
    for (let next = await follower.next({ wait: false }); next; next = await follower.next({ wait: false }))
      read.push(String(next.block))
  }
  await codeOfAsync(all())
  expect(read).not.toContain('thief')
  await follower.close()
})

test('29: a device whose disk is full closes who was revoked, and not who told it so', async () => {
  const mine = family()
  const [laptop, phone] = [await party('laptop', mine), await party('phone', mine)]
  let isFull = false
  const write = async (): Promise<void> => {
    if (isFull) throw new Error('no space is left')
  }
  const store = { read: async () => null, write }
  const memory = await IdentityMemory.open(store, mine.state.identity, mine.toBytes(), { now })
  const tablet = { memory, refused: [], authenticator: new Authenticator(memory, keyPair('tablet'), { now }) }
  const [toPhone] = await meet(tablet, phone)
  const [toLaptop] = await meet(tablet, laptop)
  isFull = true
  mine.revokeDevice(keyPair('phone').publicKey, { reason: 'compromised' }, keyPairs('control 0'))
  await laptop.authenticator.publish(mine.events)
  await expect.poll(() => [toPhone, toLaptop].some(({ destroyed }) => destroyed)).toBe(true)
  expect([toPhone.destroyed, toLaptop.destroyed]).toEqual([true, false])
})

test('30: devices whose clocks differ by minutes stay connected, and what came before an event that is still to come counts', async () => {
  const minute = 60_000
  const base = family()
  // A thief with the present keys states the latest time that some take, and others not yet.
  const ahead = Sigchain.open(
    base.toBytes(),
    { trusted: base.state.identity },
    { now: () => START + DAY + minute }
  )
  base.revokeDevice(keyPair('phone').publicKey, { reason: 'lost' }, keyPairs('control 0'))
  const events = base.events.slice(-1)
  ahead.append(events[0] as Uint8Array)
  addDevice(ahead, 'thief')
  const tablet = await party('tablet', copyOf(family()))
  const laptop = await party('laptop', ahead, {}, () => START + 2 * minute)
  const ends = await meet(tablet, laptop)
  await expect.poll(() => tablet.memory.state.seq >= base.state.seq || tablet.refused.length > 0).toBe(true)
  expect([tablet.memory.state.hash, tablet.refused, ends[0].destroyed]).toEqual([base.state.hash, [], false])
})
