import { replicate, tmpStore, until } from '@cloudpal/test-kit'
import type Corestore from 'corestore'
import type Hypercore from 'hypercore'
import Hyperdrive from 'hyperdrive'
import { expect, test } from 'vitest'
import {
  driveNames,
  endOf,
  nameDrive,
  openDrive,
  planDriveRoll,
  planRoll,
  startDriveRoll
} from '../src/cores/index.ts'
import type { CutOff, KeyPair, Sigchain } from '../src/index.ts'
import { ada, addDevice, keyPairs, publicKeys } from './people.ts'

const control = keyPairs('control 0')

/** A phone that has written `photos`. */
async function photos(): Promise<{
  store: Corestore
  chain: Sigchain
  drive: Hyperdrive
  blobs: Hypercore
  phone: Uint8Array
  ends: readonly CutOff[]
}> {
  const store = await tmpStore()
  const drive = new Hyperdrive(store.session())
  await drive.put('/one', Buffer.from('first'))
  const chain = ada()
  const phone = addDevice(chain, 'phone')
  chain.rollCore({ device: phone, rolls: await nameDrive(drive, 'photos') }, control)
  const { ends } = await planDriveRoll(drive, 'photos', { signers: publicKeys('writer') })
  const { core } = (await drive.getBlobs()) as unknown as { core: Hypercore }
  return { store, chain, drive, blobs: core, phone, ends }
}

/** What is in `/one`, or the code of why it is not shown. */
async function shown(store: Corestore, chain: Sigchain, options: object = {}): Promise<string | null> {
  try {
    const drive = await openDrive(Hyperdrive, store, chain.state, 'photos', options)
    try {
      const bytes = await drive.get('/one', { wait: false })
      return bytes && Buffer.from(bytes).toString()
    } finally {
      await drive.close()
    }
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

test('what lies below the end of either core of a drive cannot be written again', async () => {
  const { store, chain, drive, blobs, phone, ends } = await photos()
  chain.revokeDevice(phone, { reason: 'compromised', cutOffs: ends }, control)
  expect(await shown(store, chain)).toBe('first')
  const open = await openDrive(Hyperdrive, store, chain.state, 'photos')
  await blobs.truncate(0)
  expect(await shown(store, chain)).toBe('KEY_ROTATION_NOT_AVAILABLE')
  await blobs.append(Buffer.from('thief'))
  expect(await shown(store, chain)).toBe('KEY_ROTATION_CORE_MISMATCH')
  // Nor by one that was opened before.
  await expect(open.get('/one')).rejects.toMatchObject({ code: 'SESSION_CLOSED' })
  await drive.core.truncate(0)
  expect(await shown(store, chain)).toBe('KEY_ROTATION_NOT_AVAILABLE')
  await drive.close()
})

test('nor while the drive is opened', async () => {
  const { store, chain, drive, blobs, phone, ends } = await photos()
  chain.revokeDevice(phone, { reason: 'compromised', cutOffs: ends }, control)
  class Slow extends Hyperdrive {
    override async ready(): Promise<void> {
      await super.ready()
      if (blobs.length > 0) await blobs.truncate(0)
    }
  }
  const opened = openDrive(Slow, store, chain.state, 'photos')
  await expect(opened).rejects.toMatchObject({ code: 'KEY_ROTATION_CORE_MISMATCH' })
  await drive.close()
})

test('what a thief has named before the end, and writes after it, is not shown, in whatever way it is read', async () => {
  const { store, chain, drive, blobs, phone } = await photos()
  // Of what these names are of nothing may be there yet.
  await drive.put('/one', Buffer.from('thief'))
  await drive.put('/two', Buffer.alloc(100_000, 'thief'))
  const ends = [await endOf(drive.core), await endOf(blobs, 1)]
  chain.revokeDevice(phone, { reason: 'compromised', cutOffs: ends }, control)
  expect(await shown(store, chain)).toBe('KEY_ROTATION_CORE_MISMATCH')
  const open = await openDrive(Hyperdrive, store, chain.state, 'photos')
  const mismatch = { code: 'KEY_ROTATION_CORE_MISMATCH' }
  await expect(open.get('/two')).rejects.toMatchObject(mismatch)
  const stream = async (options: object): Promise<void> => {
    for await (const block of open.createReadStream('/two', options)) expect(block).toBe(null)
  }
  await expect(stream({})).rejects.toMatchObject(mismatch)
  await expect(stream({ start: 2, length: 3 })).rejects.toMatchObject(mismatch)
  await open.close()
  await drive.close()
})

test('of a drive whose writer was revoked nothing is shown till somebody says where both of its cores end', async () => {
  const { store, chain, drive, phone, ends } = await photos()
  chain.revokeDevice(phone, { reason: 'compromised' }, control)
  await drive.put('/one', Buffer.from('thief'))
  expect(await shown(store, chain)).toBe('KEY_ROTATION_DEVICE_REVOKED')
  const [files, blobs] = ends as [CutOff, CutOff]
  chain.revokeDevice(phone, { reason: 'compromised', cutOffs: [files] }, control)
  expect(await shown(store, chain)).toBe('KEY_ROTATION_DEVICE_REVOKED')
  chain.revokeDevice(phone, { reason: 'compromised', cutOffs: [blobs] }, control)
  expect(await shown(store, chain)).toBe('first')
  await drive.close()
})

test('a drive that does not go on from the one before is none, as it is none for a follower', async () => {
  const { store, chain, drive, ends } = await photos()
  const other = new Hyperdrive(store.namespace('other'))
  await other.put('/one', Buffer.from('thief'))
  const rolls = (await nameDrive(other, 'photos')).map((roll, i) => ({ ...roll, previous: ends[i] ?? null }))
  // Signed by an admin that was stolen, and a writer that it let in.
  addDevice(chain, 'laptop', 'admin')
  const device = addDevice(chain, 'puppet', 'writer', keyPairs('laptop'))
  chain.rollCore({ device, rolls }, keyPairs('laptop', 'puppet'))
  expect(await shown(store, chain)).toBe('KEY_ROTATION_CORE_MISMATCH')
  await other.close()
  await drive.close()
})

test('an admin that takes over one of a drive’s two cores gives the honest drive no other files', async () => {
  const { store, chain, drive, ends } = await photos()
  addDevice(chain, 'laptop', 'admin')
  const device = addDevice(chain, 'puppet', 'writer', keyPairs('laptop'))
  const plan = await planDriveRoll(drive, 'photos', { signers: publicKeys('puppet') })
  chain.rollCore({ device, rolls: plan.rolls.slice(1) }, keyPairs('laptop', 'puppet'))
  expect(plan.ends).toEqual(ends)
  expect(await shown(store, chain)).toBe('KEY_ROTATION_CORE_MISMATCH')
  await drive.close()
})

test('a drive that an admin has taken over goes on, by the identity’s keys, from what its owner has written', async () => {
  const { store, chain, drive, ends } = await photos()
  addDevice(chain, 'laptop', 'admin')
  const device = addDevice(chain, 'puppet', 'writer', keyPairs('laptop'))
  await drive.put('/one', Buffer.from('second'))
  const version = ends[0]?.length as number
  const taken = await planDriveRoll(drive, 'photos', { signers: publicKeys('puppet'), version })
  chain.rollCore({ device, rolls: taken.rolls }, keyPairs('laptop', 'puppet'))
  const keyPair = keyPairs('next')[0] as KeyPair
  await startDriveRoll(store, chain.state, 'photos', drive, { signers: publicKeys('puppet') })
  expect(await shown(store, chain)).toBe('first')
  const { rolls } = await planDriveRoll(drive, 'photos', { signers: [keyPair.publicKey] })
  chain.revokeDevice(device, { reason: 'compromised' }, control)
  chain.rollCore({ rolls }, control)
  await startDriveRoll(store, chain.state, 'photos', drive, { keyPair })
  expect(await shown(store, chain, { keyPair })).toBe('second')
  await drive.close()
})

test('a drive of which too little is here to tell what it is gives a code, and opens once a peer has it', async () => {
  const { store, chain, drive, phone, ends } = await photos()
  const theirs = await tmpStore()
  const copy = await openDrive(Hyperdrive, theirs, chain.state, 'photos')
  chain.revokeDevice(phone, { reason: 'lost', cutOffs: ends }, control)
  expect(await shown(theirs, chain)).toBe('KEY_ROTATION_NOT_AVAILABLE')
  const wire = replicate(store, theirs)
  const [, blobs] = ends.map(({ core }) => theirs.get({ key: core }))
  await until(async () => (await shown(theirs, chain)) !== 'KEY_ROTATION_NOT_AVAILABLE')
  const ended = await openDrive(Hyperdrive, theirs, chain.state, 'photos')
  expect(await ended.get('/one')).toEqual(Buffer.from('first'))
  await ended.close()
  await wire.cut()
  expect(await shown(theirs, chain, { wait: false })).toBe('first')
  await blobs?.clear(0, 1)
  expect(await shown(theirs, chain, { wait: false })).not.toBe('first')
  for (const each of [copy, drive]) await each.close()
})

test('a drive that was ended goes on later, from what is shown of it, without what its writer has put there since', async () => {
  const { store, chain, drive, phone, ends } = await photos()
  chain.revokeDevice(phone, { reason: 'compromised', cutOffs: ends }, control)
  await drive.put('/one', Buffer.from('thief'))
  const ended = await openDrive(Hyperdrive, store, chain.state, 'photos')
  const [keyPair] = keyPairs('writer') as [KeyPair]
  const rolls = ends.map((end, i) => {
    const { core, previous } = planRoll(end, { signers: [keyPair.publicKey] })
    return { name: driveNames('photos')[i] as string, core, previous }
  })
  chain.rollCore({ rolls }, control)
  await startDriveRoll(store, chain.state, 'photos', ended, { keyPair })
  const next = await openDrive(Hyperdrive, store, chain.state, 'photos', { keyPair })
  expect(await next.get('/one')).toEqual(Buffer.from('first'))
  await next.put('/one', Buffer.from('second'))
  expect(await next.get('/one')).toEqual(Buffer.from('second'))
  for (const each of [ended, next, drive]) await each.close()
})
