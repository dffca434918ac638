import { until } from '@cloudpal/test-kit'
import crypto, { type KeyPair } from 'hypercore-crypto'
import { expect, test, vi } from 'vitest'
import { createGrant, DeviceRecord, ReplicaSet } from '../../src/index.ts'
import { asPath, greet } from '../links.ts'
import { startRelay, twoKeyPairs } from '../relays.ts'

const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex')

test('a device that was revoked is not looked up any more', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const record = DeviceRecord.sign(
    { seq: 1, expiresAt: Date.now() + 60_000, relays: [relay.publicKey], set: null },
    b
  )
  const found: number[] = []
  const bob = greet(address, b, (link) => link.register(30_000))
  await until(() => bob.seen.includes('registered'))
  bob.link.publish(record.bytes)
  bob.link.ping()
  await until(() => bob.seen.includes('pong'))
  const alice = greet(address, a, (link) => link.register(30_000))
  alice.onfound = (_, bytes) => found.push(bytes.length)
  await until(() => alice.seen.includes('registered'))
  alice.link.lookup(b.publicKey)
  await until(() => found.length === 1)
  expect(found[0]).toBe(record.bytes.length)
  relay.policy.revoke(b.publicKey)
  alice.link.lookup(b.publicKey)
  await until(() => found.length === 2)
  expect(found[1]).toBe(0)
})

test('a device whose clock was ahead once can say where it is', async () => {
  const [a] = twoKeyPairs()
  const { relay, address } = await startRelay([a])
  const year = 365 * 86_400_000
  const recordAt = (now: number): Uint8Array =>
    DeviceRecord.sign({ seq: now, expiresAt: now + 3_600_000, relays: [relay.publicKey], set: null }, a).bytes
  const say = async (record: Uint8Array): Promise<string> => {
    const device = greet(address, a, (link) => link.register(30_000))
    await until(() => device.seen.includes('registered'))
    device.link.publish(record)
    const found = new Promise<string>((resolve) => {
      device.onfound = (_, bytes) => resolve(hex(bytes))
    })
    device.link.lookup(a.publicKey)
    const seen = await found
    device.wire.destroy()
    return seen
  }
  await say(recordAt(Date.now() + year))
  const now = recordAt(Date.now())
  expect(await say(now)).toBe(hex(now))
})

test('a device that may only open leaves no record', async () => {
  const [owner, a] = twoKeyPairs()
  const b = crypto.keyPair()
  const { relay, address } = await startRelay([b], { issuers: [owner.publicKey] })
  const grant = createGrant(owner, { device: a.publicKey, scopes: 2, expiresAt: Date.now() + 60_000 })
  const bob = greet(address, b, (link) => link.register(30_000))
  await until(() => bob.seen.includes('registered'))
  const alice = greet(address, a, (link) => link.open(b.publicKey), grant)
  await until(() => alice.seen.includes('opened'))
  const record = DeviceRecord.sign(
    { seq: 1, expiresAt: Date.now() + 60_000, relays: [relay.publicKey], set: null },
    a
  )
  const path = asPath(alice)
  alice.link.publish(record.bytes)
  alice.link.ping()
  await until(() => path.ended)
  expect(path.ended).toBe('RELAY_PROTOCOL')
  const again = greet(address, b, (link) => link.register(30_000))
  await until(() => again.seen.includes('registered'))
  const found = new Promise<number>((resolve) => {
    again.onfound = (_, bytes) => resolve(bytes.length)
  })
  again.link.lookup(a.publicKey)
  expect(await found).toBe(0)
})

test('new records of one device do not cost a signature check each', async () => {
  const [a] = twoKeyPairs()
  const { relay, address } = await startRelay([a])
  const device = greet(address, a, (link) => link.register(30_000))
  await until(() => device.seen.includes('registered'))
  const records = Array.from(
    { length: 500 },
    (_, i) =>
      DeviceRecord.sign(
        { seq: i + 1, expiresAt: Date.now() + 60_000, relays: [relay.publicKey], set: null },
        a
      ).bytes
  )
  const verify = vi.spyOn(crypto, 'verify')
  for (const record of records) device.link.publish(record)
  device.link.ping()
  await until(() => device.ended ?? device.seen.includes('pong'))
  const checks = verify.mock.calls.length
  verify.mockRestore()
  expect(checks).toBeLessThan(100)
})

test('a device that has opened may publish where it was registered before, and go on looking up', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const bob = greet(address, b, (link) => link.register(30_000))
  await until(() => bob.seen.includes('registered'))
  const alice = greet(address, a, (link) => link.open(b.publicKey))
  await until(() => alice.seen.includes('opened') && bob.seen.includes('incoming'))
  const record = recordOf(relay.publicKey, b)
  const found = new Promise<string>((resolve) => {
    bob.onfound = (_, bytes) => resolve(hex(bytes))
  })
  bob.link.publish(record)
  bob.link.lookup(b.publicKey)
  expect(await found).toBe(hex(record))
})

test('another relay of the owner may look devices up, and leaves no record of its own', async () => {
  const [owner, self] = twoKeyPairs()
  const other = crypto.keyPair()
  const members = [self, other].map(({ publicKey: key }) => ({ key, addresses: [] }))
  const { relay, address } = await startRelay([], {
    keyPair: self,
    replicas: { owner: owner.publicKey, set: ReplicaSet.sign(members, 1, owner).bytes }
  })
  const watcher = greet(address, other, (link) => link.watch(30_000, 1))
  const found: number[] = []
  watcher.onfound = (_, bytes) => found.push(bytes.length)
  await until(() => watcher.seen.includes('welcome'))
  watcher.link.lookup(other.publicKey)
  await until(() => found.length === 1)
  watcher.link.publish(recordOf(relay.publicKey, other))
  watcher.link.lookup(other.publicKey)
  await until(() => watcher.ended)
  expect([watcher.ended, found]).toEqual(['RELAY_PROTOCOL', [0]])
})

test('records count as bytes that were carried, when they are left and when they are looked up', async () => {
  const [a] = twoKeyPairs()
  const { relay, address } = await startRelay([a])
  const record = recordOf(relay.publicKey, a)
  const used = (): unknown => relay.policy.served.map(({ usedBytes }) => usedBytes)
  const device = greet(address, a, (link) => link.register(30_000))
  const found: number[] = []
  device.onfound = (_, bytes) => found.push(bytes.length)
  await until(() => device.seen.includes('registered'))
  // What is repeated is not taken again.
  for (let i = 0; i < 3; i++) device.link.publish(record)
  device.link.ping()
  await until(() => device.seen.includes('pong'))
  expect(used()).toEqual([record.length])
  device.link.lookup(a.publicKey)
  await until(() => found.length === 1)
  expect(used()).toEqual([2 * record.length])
})

test.each<[string, number]>([
  ['leaves', -1],
  ['looks up', 0]
])('a device that %s a record for which its quota does not suffice is told so', async (_, more) => {
  const [owner, a] = twoKeyPairs()
  const { relay, address } = await startRelay([], { issuers: [owner.publicKey] })
  const record = recordOf(relay.publicKey, a)
  const expiresAt = Date.now() + 60_000
  const quotaBytes = record.length + more
  const grant = createGrant(owner, { device: a.publicKey, quotaBytes, expiresAt })
  const device = greet(address, a, (link) => link.register(30_000), grant)
  await until(() => device.seen.includes('registered'))
  const found: number[] = []
  device.onfound = (_, bytes) => found.push(bytes.length)
  device.link.publish(record)
  device.link.ping()
  await until(() => device.ended ?? device.seen.includes('pong'))
  expect(device.ended).toBe(more < 0 ? 'RELAY_QUOTA' : null)
  device.link.lookup(a.publicKey)
  await until(() => device.ended)
  expect([device.ended, found]).toEqual(['RELAY_QUOTA', []])
})

/** What a device says of itself there, for a minute. */
function recordOf(relay: Uint8Array, device: KeyPair): Uint8Array {
  return DeviceRecord.sign({ seq: 1, expiresAt: Date.now() + 60_000, relays: [relay], set: null }, device)
    .bytes
}

test('a device whose grant was revoked is not looked up any more, also once it is gone', async () => {
  const [owner, a] = twoKeyPairs()
  const b = crypto.keyPair()
  const { relay, address } = await startRelay([a], { issuers: [owner.publicKey] })
  const expiresAt = Date.now() + 60_000
  const nonce = crypto.randomBytes(16)
  const grant = createGrant(owner, { device: b.publicKey, expiresAt, nonce })
  const record = DeviceRecord.sign({ seq: 1, expiresAt, relays: [relay.publicKey], set: null }, b)
  const bob = greet(address, b, (link) => link.register(30_000), grant)
  await until(() => bob.seen.includes('registered'))
  bob.link.publish(record.bytes)
  const alice = greet(address, a, (link) => link.register(30_000))
  const found: number[] = []
  alice.onfound = (_, bytes) => found.push(bytes.length)
  await until(() => alice.seen.includes('registered'))
  bob.wire.destroy()
  await until(() => relay.registered === 1)
  const lookUp = async (): Promise<number | undefined> => {
    const before = found.length
    alice.link.lookup(b.publicKey)
    await until(() => found.length > before)
    return found.at(-1)
  }
  expect(await lookUp()).toBe(record.bytes.length)
  relay.policy.revoke(nonce)
  expect(await lookUp()).toBe(0)
})
