import { fakeClock } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { TIMES } from '../src/client/options.ts'
import { createGrant } from '../src/index.ts'
import { LEAST_BYTES_PER_SECOND } from '../src/policy/grant.ts'
import { type Lease, RelayPolicy } from '../src/server/index.ts'
import { twoKeyPairs } from './relays.ts'

test('120: four sessions of one device at the least rate there can be are not held up for so long that each counts as dead', () => {
  const [owner, a] = twoKeyPairs()
  const clock = fakeClock(1_000)
  const policy = new RelayPolicy(crypto.keyPair().publicKey, { issuers: [owner.publicKey], now: clock.now })
  const grant = createGrant(owner, {
    device: a.publicKey,
    bytesPerSecond: LEAST_BYTES_PER_SECOND,
    expiresAt: 3_600_000
  })
  // What a socket gives at once; it is passed on, and then the sender waits.
  const waits = Array.from({ length: 4 }, () => {
    const lease = policy.admit(a.publicKey, grant) as Lease
    return lease.spend(64 * 1024) ?? Infinity
  })
  expect(Math.max(...waits)).toBeLessThan(TIMES.deadMs)
})
