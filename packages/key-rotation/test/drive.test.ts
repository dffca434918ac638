import { Archiver, FileStore, restore } from '@cloudpal/s3-archiver'
import { replicate, tmpDir, tmpStore } from '@cloudpal/test-kit'
import type Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import { expect, test } from 'vitest'
import { nameDrive, openDrive, planDriveRoll, startDriveRoll } from '../src/cores/index.ts'
import { createKeyPair, type KeyPair, resolve, type Sigchain } from '../src/index.ts'
import { ada, addDevice, bytesOf, keyPairs } from './people.ts'
import { codeOfAsync } from './parties.ts'

async function read(drive: Hyperdrive, path: string): Promise<string | null> {
  const bytes = await drive.get(path)
  return bytes && Buffer.from(bytes).toString()
}

async function write(drive: Hyperdrive, path: string, text: string): Promise<void> {
  await drive.put(path, Buffer.from(text))
}

/** Ada’s phone has written `photos`. */
async function photos(
  store: Corestore,
  options: object = {}
): Promise<{ chain: Sigchain; drive: Hyperdrive }> {
  const drive = new Hyperdrive(store.session(), options as never)
  await write(drive, '/one', 'first')
  const chain = ada()
  const device = addDevice(chain, 'phone')
  chain.rollCore({ device, rolls: await nameDrive(drive, 'photos') }, keyPairs('control 0'))
  return { chain, drive }
}

async function roll(
  store: Corestore,
  chain: Sigchain,
  drive: Hyperdrive,
  options: { version?: number; keyPair?: KeyPair; encryptionKey?: Uint8Array } = {}
): Promise<Hyperdrive> {
  const { keyPair = createKeyPair(), encryptionKey = null, version } = options
  const signers = [keyPair.publicKey]
  const plan = await planDriveRoll(drive, 'photos', { signers, ...(version !== undefined && { version }) })
  chain.rollCore({ rolls: plan.rolls }, keyPairs('control 0'))
  await startDriveRoll(store, chain.state, 'photos', drive, { keyPair, encryptionKey })
  return openDrive(Hyperdrive, store, chain.state, 'photos', { keyPair, encryptionKey })
}

const lengthsOf = async (drive: Hyperdrive): Promise<(number | undefined)[]> => [
  drive.core.length,
  (await drive.getBlobs())?.core.length
]

test('a drive goes on with both cores: all files are there, and it is written under another key, twice, and after a restart', async () => {
  const store = await tmpStore()
  const { chain, drive } = await photos(store)
  const second = await roll(store, chain, drive)
  await write(second, '/two', 'second')
  const keyPair = createKeyPair()
  let third = await roll(store, chain, second, { keyPair })
  await write(third, '/three', 'third')
  await third.close()
  third = await openDrive(Hyperdrive, store, chain.state, 'photos', { keyPair })
  await write(third, '/four', 'fourth')
  expect(await Promise.all(['/one', '/two', '/three', '/four'].map((path) => read(third, path)))).toEqual([
    'first',
    'second',
    'third',
    'fourth'
  ])
  const blobs = await third.getBlobs()
  expect([third.key, blobs?.core.key]).toEqual(
    ['photos', 'photos/blobs'].map((name) => resolve(chain.state, name)?.core)
  )
  expect(await lengthsOf(drive)).toEqual([2, 1])
  expect(await lengthsOf(third)).toEqual([5, 4])
  for (const each of [drive, second, third]) await each.close()
  expect(store.closed).toBe(false)
})

test('a follower that knows only the identity reads the drive from peers, before a roll-over and after it', async () => {
  const [mine, theirs] = [await tmpStore(), await tmpStore()]
  const { chain, drive } = await photos(mine)
  replicate(mine, theirs)
  const before = await openDrive(Hyperdrive, theirs, chain.state, 'photos')
  await before.update({ wait: true })
  expect(await read(before, '/one')).toBe('first')
  const next = await roll(mine, chain, drive)
  await write(next, '/two', 'second')
  await write(drive, '/three', 'of a thief')
  const after = await openDrive(Hyperdrive, theirs, chain.state, 'photos')
  await after.update({ wait: true })
  expect([await read(after, '/one'), await read(after, '/two'), await read(after, '/three')]).toEqual([
    'first',
    'second',
    null
  ])
  for (const each of [drive, next, before, after]) await each.close()
})

test('an encrypted drive goes on encrypted, and a drive goes on from an earlier version, without what came later', async () => {
  const [store, encryptionKey] = [await tmpStore(), bytesOf(3)]
  const { chain, drive } = await photos(store, { encryptionKey })
  const { version } = drive
  await write(drive, '/one', 'overwritten by a thief')
  const next = await roll(store, chain, drive, { version, encryptionKey })
  await write(next, '/two', 'second')
  expect([await read(next, '/one'), await read(next, '/two')]).toEqual(['first', 'second'])
  for (const core of [next.core, (await next.getBlobs())?.core])
    for (let i = 0; i < (core?.length ?? 0); i++) {
      const raw = Buffer.from((await core?.get(i, { raw: true })) as Uint8Array).toString('latin1')
      expect(raw).not.toMatch(/first|second|one|two/)
    }
  for (const each of [drive, next]) await each.close()
})

test('of a drive that goes on from an earlier version, files that had been deleted by then are still there in the versions before', async () => {
  const store = await tmpStore()
  const { chain, drive } = await photos(store)
  await write(drive, '/two', 'second')
  const { version } = drive
  await drive.del('/two')
  const next = await roll(store, chain, drive, { version: version + 1 })
  await write(next, '/three', 'third')
  const before = next.checkout(version)
  expect([await read(before, '/two'), await read(next, '/two')]).toEqual(['second', null])
  for (const each of [drive, before, next]) await each.close()
})

test('a drive that was ended, and has not gone on, shows what it was then', async () => {
  const store = await tmpStore()
  const { chain, drive } = await photos(store)
  const { ends } = await planDriveRoll(drive, 'photos', { signers: [bytesOf(1)] })
  await write(drive, '/one', 'overwritten by a thief')
  const how = { reason: 'compromised', cutOffs: ends } as const
  chain.revokeDevice(chain.state.devices[0]?.key as Uint8Array, how, keyPairs('control 0'))
  const ended = await openDrive(Hyperdrive, store, chain.state, 'photos')
  expect([await read(ended, '/one'), await read(drive, '/one')]).toEqual(['first', 'overwritten by a thief'])
  await ended.close()
  expect(ended.core.closed).toBe(true)
  await drive.close()
})

test('what is no drive of the identity is refused', async () => {
  const store = await tmpStore()
  const refused = openDrive(Hyperdrive, store, ada().state, 'photos')
  await expect(refused).rejects.toMatchObject({ code: 'KEY_ROTATION_CORE_MISMATCH' })
  const { chain, drive } = await photos(store)
  const { ends } = await planDriveRoll(drive, 'photos', { signers: [bytesOf(1)] })
  const [files, blobs] = ends
  const other = { ...files, treeHash: bytesOf(9) } as never
  const how = { reason: 'lost', cutOffs: [other, blobs as never] } as const
  chain.revokeDevice(chain.state.devices[0]?.key as Uint8Array, how, keyPairs('control 0'))
  const ended = openDrive(Hyperdrive, store, chain.state, 'photos')
  await expect(ended).rejects.toMatchObject({ code: 'KEY_ROTATION_CORE_MISMATCH' })
  await drive.close()
})

test('a roll-over that was interrupted is begun again from the state alone, and by nobody else', async () => {
  const store = await tmpStore()
  const { chain, drive } = await photos(store)
  const [keyPair, other] = [createKeyPair(), createKeyPair()]
  const mismatch = { code: 'KEY_ROTATION_CORE_MISMATCH' }
  await expect(startDriveRoll(store, chain.state, 'photos', drive, { keyPair })).rejects.toMatchObject(
    mismatch
  )
  const { rolls } = await planDriveRoll(drive, 'photos', { signers: [keyPair.publicKey] })
  chain.rollCore({ rolls }, keyPairs('control 0'))
  const start = (by: KeyPair): Promise<void> =>
    startDriveRoll(store, chain.state, 'photos', drive, { keyPair: by })
  await expect(start(other)).rejects.toMatchObject(mismatch)
  await start(keyPair)
  const next = await openDrive(Hyperdrive, store, chain.state, 'photos', { keyPair })
  await write(next, '/two', 'second')
  await next.close()
  await start(keyPair)
  const again = await openDrive(Hyperdrive, store, chain.state, 'photos', { keyPair })
  expect([await read(again, '/one'), await read(again, '/two')]).toEqual(['first', 'second'])
  for (const each of [drive, again]) await each.close()
})

test('a new machine goes on with a drive that it has from an archive', async () => {
  const [lost, mine] = [await tmpStore(), await tmpStore()]
  const { chain, drive } = await photos(lost)
  const { key } = drive
  const blobsKey = (await drive.getBlobs())?.core.key as Uint8Array
  const bucket = new FileStore(await tmpDir())
  const archiver = new Archiver(bucket, { corestore: lost, live: false })
  await archiver.flush()
  await archiver.close()
  await drive.close()

  for (const each of [key, blobsKey]) await restore(bucket, { corestore: mine, key: each })
  const restored = await openDrive(Hyperdrive, mine, chain.state, 'photos')
  expect([await read(restored, '/one'), restored.core.writable]).toEqual(['first', false])
  const next = await roll(mine, chain, restored)
  await write(next, '/two', 'second')
  expect([await read(next, '/one'), await read(next, '/two')]).toEqual(['first', 'second'])
  for (const each of [restored, next]) await each.close()
})

test('an empty drive goes on, and is then written under the new key', async () => {
  const [store, theirs] = [await tmpStore(), await tmpStore()]
  const drive = new Hyperdrive(store.session())
  await drive.ready()
  const chain = ada()
  chain.rollCore({ rolls: await nameDrive(drive, 'photos') }, keyPairs('control 0'))
  const next = await roll(store, chain, drive)
  await write(next, '/one', 'first')
  replicate(store, theirs)
  const copy = await openDrive(Hyperdrive, theirs, chain.state, 'photos')
  await copy.update({ wait: true })
  expect([await read(next, '/one'), await read(copy, '/one'), drive.core.length]).toEqual([
    'first',
    'first',
    0
  ])
  for (const each of [drive, next, copy]) await each.close()
})

test('a drive without any file yet goes on as others do, also from before there was one', async () => {
  const store = await tmpStore()
  const drive = new Hyperdrive(store.session())
  await drive.symlink('/link', '/one')
  const { version } = drive
  const chain = ada()
  chain.rollCore({ rolls: await nameDrive(drive, 'photos') }, keyPairs('control 0'))
  const second = await roll(store, chain, drive)
  await write(second, '/one', 'first')
  expect(await read(second, '/link')).toBe(null)
  expect(await second.get('/link', { follow: true } as never)).toEqual(Buffer.from('first'))
  const third = await roll(store, chain, second, { version })
  await write(third, '/one', 'again')
  expect([await read(third, '/one'), third.version]).toEqual(['again', version + 1])
  for (const each of [drive, second, third]) await each.close()
})

test('a wrong option is refused, and none is ignored', async () => {
  const store = await tmpStore()
  const { chain, drive } = await photos(store)
  const wrong = { code: 'KEY_ROTATION_BAD_ARGUMENT' }
  const [signers, { state }] = [[bytesOf(1)], chain]
  for (const options of [{ encryptionkey: bytesOf(1) }, { keyPair: bytesOf(1) }]) {
    await expect(openDrive(Hyperdrive, store, state, 'photos', options as never)).rejects.toMatchObject(wrong)
    const started = startDriveRoll(store, state, 'photos', drive, options as never)
    await expect(started).rejects.toMatchObject(wrong)
  }
  for (const options of [
    { signers, length: 1 },
    { signers: [] },
    { signers, version: 3 },
    { signers, version: -1 }
  ])
    await expect(planDriveRoll(drive, 'photos', options as never)).rejects.toMatchObject(wrong)
  await drive.close()
})

test('a drive that several keys sign from then on goes on, and not with the key of one of them alone', async () => {
  const store = await tmpStore()
  const { chain, drive } = await photos(store)
  const pairs = [createKeyPair(), createKeyPair()]
  const signers = pairs.map(({ publicKey }) => publicKey)
  const { rolls } = await planDriveRoll(drive, 'photos', { signers })
  chain.rollCore({ rolls }, keyPairs('control 0'))
  const start = (options: object): Promise<void> =>
    startDriveRoll(store, chain.state, 'photos', drive, options)
  expect(await codeOfAsync(start({ keyPair: pairs[0], signers }))).toBe('KEY_ROTATION_BAD_ARGUMENT')
  expect(await codeOfAsync(start({}))).toBe('KEY_ROTATION_BAD_ARGUMENT')
  await start({ signers })
  const next = await openDrive(Hyperdrive, store, chain.state, 'photos')
  expect([await read(next, '/one'), next.core.writable]).toEqual(['first', false])
  await next.close()
})
