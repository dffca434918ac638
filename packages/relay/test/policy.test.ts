import { fakeClock } from '@cloudpal/test-kit'
import fc from 'fast-check'
import crypto, { type KeyPair } from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { ALL_SCOPES, createGrant, GRANT_BYTES, type GrantOptions, readGrant, SCOPE } from '../src/index.ts'
import { Meter } from '../src/policy/meter.ts'
import { Lease, type PolicyOptions, type Refusal, RelayPolicy } from '../src/server/index.ts'

const pair = (seed: number): KeyPair => crypto.keyPair(new Uint8Array(32).fill(seed))
const [owner, stranger, device, other, relay] = [pair(1), pair(2), pair(3), pair(4), pair(5)]
const NOW = 1_800_000_000_000

function grantOf(options: Partial<GrantOptions> = {}, issuer: KeyPair = owner): Uint8Array {
  return createGrant(issuer, { device: device.publicKey, expiresAt: NOW + 60_000, ...options })
}

function policyOf(options: PolicyOptions = {}): RelayPolicy {
  return new RelayPolicy(relay.publicKey, { issuers: [owner.publicKey], now: () => NOW, ...options })
}

function admitted(outcome: Lease | Refusal): Lease {
  if (!(outcome instanceof Lease)) throw new Error(outcome.code)
  return outcome
}

test('a relay that knows nobody serves nobody', () => {
  expect(new RelayPolicy(relay.publicKey).admit(device.publicKey)).toMatchObject({ code: 'RELAY_DENIED' })
})

test.each<[string, Uint8Array, string]>([
  ['of another issuer', grantOf({}, stranger), 'RELAY_BAD_GRANT'],
  ['of another device', grantOf({ device: other.publicKey }), 'RELAY_GRANT_NOT_YOURS'],
  ['for another relay', grantOf({ relay: other.publicKey }), 'RELAY_GRANT_OTHER_RELAY'],
  ['that has expired', grantOf({ expiresAt: NOW }), 'RELAY_GRANT_EXPIRED'],
  ['that is cut short', grantOf().subarray(1), 'RELAY_BAD_GRANT']
])('a grant %s is refused', (_, grant, code) => {
  expect(policyOf().admit(device.publicKey, grant)).toMatchObject({ code })
})

test('a grant is read as it was written, and every changed bit of it is refused', () => {
  const grant = grantOf({
    relay: relay.publicKey,
    scopes: SCOPE.OPEN,
    bytesPerSecond: 70_000,
    quotaBytes: 2 ** 40
  })
  expect(grant.length).toBe(GRANT_BYTES)
  expect(readGrant(grant)).toMatchObject({
    scopes: SCOPE.OPEN,
    bytesPerSecond: 70_000,
    quotaBytes: 2 ** 40,
    expiresAt: NOW + 60_000
  })
  expect(policyOf().admit(device.publicKey, grant)).toBeInstanceOf(Lease)
  fc.assert(
    fc.property(fc.nat(GRANT_BYTES - 1), fc.nat(7), (byte, bit) => {
      const changed = Uint8Array.from(grant)
      changed[byte] = (changed[byte] ?? 0) ^ (1 << bit)
      expect(policyOf().admit(device.publicKey, changed)).not.toBeInstanceOf(Lease)
    })
  )
})

test('a device may have so many connections, and one that ends makes room', () => {
  const policy = policyOf({
    allow: [device.publicKey, other.publicKey],
    limits: { connections: 2, totalConnections: 3 }
  })
  const [a, b, c] = [0, 1, 2].map(() => admitted(policy.admit(device.publicKey))) as [Lease, Lease, Lease]
  expect([a.hold('connections'), b.hold('connections')]).toEqual([null, null])
  expect(c.hold('connections')).toMatchObject({ code: 'RELAY_TOO_MANY' })
  a.end()
  expect(c.hold('connections')).toBeNull()
  const [d, e] = [0, 1].map(() => admitted(policy.admit(other.publicKey))) as [Lease, Lease]
  expect(d.hold('connections')).toBeNull()
  expect(e.hold('connections')).toMatchObject({ code: 'RELAY_TOO_MANY' })
  for (const lease of [b, c, d, e]) lease.end()
  expect(policy.connections).toBe(0)
})

test('a grant for less than a path can live on is none, whoever has signed it', () => {
  const slow = Buffer.from(grantOf({ bytesPerSecond: 65_536 }))
  expect(readGrant(slow)?.bytesPerSecond).toBe(65_536)
  slow.writeBigUInt64LE(65_535n, 98)
  const domain = Buffer.from('cloudpal/relay/1/grant\0')
  slow.set(crypto.sign(Buffer.concat([domain, slow.subarray(0, 138)]), owner.secretKey), 138)
  expect(policyOf().admit(device.publicKey, slow)).toMatchObject({ code: 'RELAY_BAD_GRANT' })
})

test('who was revoked is not allowed again, and whoever asks for it is told', () => {
  const policy = policyOf()
  expect(policy.allow(other.publicKey)).toBe(true)
  policy.revoke(other.publicKey)
  expect(policy.allow(other.publicKey)).toBe(false)
  expect(policy.admit(other.publicKey)).toMatchObject({ code: 'RELAY_REVOKED' })
})

test('the quota of a grant is one, over all its connections, and before and after a break', () => {
  const policy = policyOf()
  const grant = grantOf({ quotaBytes: 100 })
  const first = admitted(policy.admit(device.publicKey, grant))
  expect(first.spend(60)).toBe(0)
  first.end()
  const second = admitted(policy.admit(device.publicKey, grant))
  expect(second.spend(40)).toBe(0)
  expect(second.spend(1)).toBeNull()
  expect(policy.admit(device.publicKey, grant)).toMatchObject({ code: 'RELAY_QUOTA' })
  expect(policy.admit(device.publicKey, grantOf({ quotaBytes: 100 }))).toBeInstanceOf(Lease)
})

test('a grant that expires ends what lives by it, and is forgotten', () => {
  const clock = fakeClock(NOW)
  const policy = policyOf({ now: clock.now })
  const lease = admitted(policy.admit(device.publicKey, grantOf()))
  const ends: string[] = []
  lease.onend = ({ code }) => ends.push(code)
  clock.advance(59_999)
  policy.sweep()
  expect(ends).toEqual([])
  clock.advance(1)
  policy.sweep()
  expect(ends).toEqual(['RELAY_GRANT_EXPIRED'])
})

test('what was spent on a grant is forgotten an hour after it has expired', () => {
  let now = NOW
  const policy = policyOf({ now: () => now })
  const [short, long] = [grantOf(), grantOf({ expiresAt: NOW + 120_000 })]
  for (const grant of [short, long]) {
    const lease = admitted(policy.admit(device.publicKey, grant))
    lease.spend(7)
    lease.end()
  }
  for (const ms of [60_000, 3_600_000]) {
    now += ms
    policy.sweep()
  }
  // Of a clock that is set back it can be seen.
  now = NOW + 59_999
  const usedBytes = [short, long].map((grant) => admitted(policy.admit(device.publicKey, grant)).usedBytes)
  expect(usedBytes).toEqual([0, 7])
})

test('another relay of the owner may watch as long as it is one, and what it has ends with that', () => {
  const policy = policyOf({ allow: [device.publicKey] })
  for (const { publicKey } of [device, other]) policy.watch(publicKey)
  const [both, watcher] = [device, other].map(({ publicKey }) => admitted(policy.admit(publicKey)))
  expect([both?.scopes, watcher?.scopes]).toEqual([ALL_SCOPES, 0])
  const ends: string[] = []
  for (const lease of [both, watcher]) if (lease) lease.onend = ({ code }) => ends.push(code)
  for (const { publicKey } of [device, other]) policy.unwatch(publicKey)
  expect(ends).toEqual(['RELAY_DENIED'])
  expect([both?.ended, watcher?.ended]).toEqual([false, true])
  expect(policy.admit(other.publicKey)).toMatchObject({ code: 'RELAY_DENIED' })
  expect(policy.admit(device.publicKey)).toBeInstanceOf(Lease)
})

test('of those who are served without a grant only who is on the new list stays, beside who watches', () => {
  const [stays, goes, watches] = [device, other, stranger].map(({ publicKey }) => publicKey) as [
    Uint8Array,
    Uint8Array,
    Uint8Array
  ]
  const policy = policyOf({ allow: [stays, goes] })
  policy.watch(watches)
  const ends: string[] = []
  const note = (name: string, lease: Lease | Refusal): void =>
    void (admitted(lease).onend = ({ code }) => ends.push(`${name} ${code}`))
  note('stays', policy.admit(stays))
  note('goes', policy.admit(goes))
  note('has a grant', policy.admit(goes, grantOf({ device: goes })))
  note('watches', policy.admit(watches))
  policy.revoke(relay.publicKey)
  expect(policy.useAllowed([stays, relay.publicKey])).toBe(1)
  expect(ends).toEqual(['goes RELAY_DENIED'])
  expect(policy.admit(goes)).toMatchObject({ code: 'RELAY_DENIED' })
})

test('what is revoked ends at once, and does not come back: a device with all it has, or one grant', () => {
  const policy = policyOf({ allow: [other.publicKey] })
  const [one, two] = [grantOf(), grantOf()]
  const ends: string[] = []
  for (const grant of [one, two])
    admitted(policy.admit(device.publicKey, grant)).onend = ({ code }) => ends.push(code)
  admitted(policy.admit(other.publicKey)).onend = () => ends.push('other')
  expect(policy.revoke(readGrant(one)?.nonce ?? new Uint8Array(16))).toBe(1)
  expect(policy.admit(device.publicKey, one)).toMatchObject({ code: 'RELAY_REVOKED' })
  expect(policy.admit(device.publicKey, two)).toBeInstanceOf(Lease)
  expect(policy.revoke(device.publicKey)).toBe(2)
  expect(policy.admit(device.publicKey, grantOf())).toMatchObject({ code: 'RELAY_REVOKED' })
  expect(ends).toEqual(['RELAY_REVOKED', 'RELAY_REVOKED'])
})

test('who has sent nothing for an hour may send no more than a second’s worth at once', () => {
  const clock = fakeClock(NOW)
  const meter = new Meter({ bytesPerSecond: 1_000, quotaBytes: 0 }, clock.now)
  expect(meter.spend(1_000)).toBe(0)
  clock.advance(3_600_000)
  expect([meter.spend(1_000), meter.spend(1_000)]).toEqual([0, 1_000])
})

test('over any time, a meter lets through no more than a second’s worth and what the time is worth', () => {
  const steps = fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 5_000 }), pause: fc.nat(3_000) }), {
    maxLength: 50
  })
  fc.assert(
    fc.property(steps, fc.integer({ min: 100, max: 10_000 }), (steps, bytesPerSecond) => {
      const clock = fakeClock(NOW)
      const meter = new Meter({ bytesPerSecond, quotaBytes: 0 }, clock.now)
      let through = 0
      for (const { bytes, pause } of steps) {
        const allowed = bytesPerSecond + ((clock.now() - NOW) * bytesPerSecond) / 1000
        // What was read already is let through: one chunk beyond.
        expect(through).toBeLessThanOrEqual(allowed + 1)
        through += bytes
        clock.advance((meter.spend(bytes) ?? 0) + pause)
      }
      expect(meter.usedBytes).toBe(through)
    })
  )
})

test.each<[string, (policy: RelayPolicy) => Uint8Array]>([
  ['has expired', () => grantOf({ expiresAt: NOW })],
  ['is none', () => new Uint8Array(5)],
  [
    'is spent',
    (policy) => {
      const grant = grantOf({ quotaBytes: 1 })
      admitted(policy.admit(device.publicKey, grant)).spend(2)
      return grant
    }
  ],
  [
    'was revoked',
    (policy) => {
      const grant = grantOf()
      policy.revoke(readGrant(grant)?.nonce ?? new Uint8Array(16))
      return grant
    }
  ]
])('a grant that %s takes nothing from a device on the allow-list', (_, grantIn) => {
  const policy = policyOf()
  const grant = grantIn(policy)
  expect(policy.admit(device.publicKey, grant)).not.toBeInstanceOf(Lease)
  policy.allow(device.publicKey)
  expect(admitted(policy.admit(device.publicKey, grant))).toMatchObject({ scopes: ALL_SCOPES, grant: '' })
  policy.revoke(device.publicKey)
  expect(policy.admit(device.publicKey, grant)).toMatchObject({ code: 'RELAY_REVOKED' })
})

test('a clock that was ahead for a moment gives nobody a new quota', () => {
  let now = NOW
  const policy = policyOf({ now: () => now })
  const grant = grantOf({ quotaBytes: 1_000 })
  const lease = admitted(policy.admit(device.publicKey, grant))
  lease.spend(1_000)
  lease.end()
  now += 3_600_000
  policy.sweep()
  now = NOW
  policy.sweep()
  expect(policy.admit(device.publicKey, grant)).toMatchObject({ code: 'RELAY_QUOTA' })
  // Nor twice.
  now += 3_600_000
  policy.sweep()
  now = NOW
  expect(policy.admit(device.publicKey, grant)).toMatchObject({ code: 'RELAY_QUOTA' })
})

test('who is taken off the allow-list, and is another relay of the owner, may watch on', () => {
  const policy = policyOf()
  policy.watch(other.publicKey)
  const lease = admitted(policy.admit(other.publicKey))
  policy.disallow(other.publicKey)
  expect(lease.ended).toBe(false)
})

test('who is taken off the allow-list is served no longer, at once, but by a grant', () => {
  const policy = policyOf({ allow: [device.publicKey] })
  const without = admitted(policy.admit(device.publicKey))
  const by = admitted(policy.admit(device.publicKey, grantOf()))
  const why: string[] = []
  without.onend = ({ code }) => why.push(code)
  policy.disallow(device.publicKey)
  expect([without.ended, by.ended, why]).toEqual([true, false, ['RELAY_DENIED']])
  expect(policy.admit(device.publicKey)).toMatchObject({ code: 'RELAY_DENIED' })
})

test('a clock that was set back costs nobody what it may send', () => {
  const clock = fakeClock(3_600_000)
  const meter = new Meter({ bytesPerSecond: 1_000, quotaBytes: 0 }, clock.now)
  expect(meter.spend(500)).toBe(0)
  clock.advance(-3_000_000)
  expect(meter.spend(500)).toBe(0)
  clock.advance(1_000)
  expect(meter.spend(1_000)).toBe(0)
})
