import { until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test, vi } from 'vitest'
import { createGrant, DeviceRecord } from '../../src/index.ts'
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
