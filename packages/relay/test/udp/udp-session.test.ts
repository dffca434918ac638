import { expect, test } from 'vitest'
import { Lease } from '../../src/policy/lease.ts'
import { RelayPolicy } from '../../src/policy/relay-policy.ts'
import type { BlindRelay, SessionHooks } from '../../src/udp/blind-relay-adapter.ts'
import type { ConnectionLike, RawStreamLike } from '../../src/udp/dht.ts'
import { type Leg, UdpLink } from '../../src/udp/udp-link.ts'
import { UdpSession } from '../../src/udp/udp-session.ts'
import { keyPair } from '../replicas/records.ts'

const NOTHING = { on: () => {}, destroy: () => {} }

/** A session whose device and blind-relay are the test. */
function session(): { session: UdpSession; hooks: SessionHooks } {
  const policy = new RelayPolicy(keyPair(1000).publicKey, { allow: [keyPair(1).publicKey] })
  const lease = policy.admit(keyPair(1).publicKey)
  if (!(lease instanceof Lease)) throw new Error(lease.code)
  const given: SessionHooks[] = []
  const relay = {
    accept: (_: unknown, hooks: SessionHooks) => {
      given.push(hooks)
      return { unpair: () => {}, close: () => {} }
    }
  } as unknown as BlindRelay
  const connection: ConnectionLike = { ...NOTHING, remotePublicKey: null, rawStream: null, destroyed: false }
  const leg = (session: UdpSession): Leg => ({
    session,
    stream: { ...NOTHING, connected: true, bytesReceived: 0 }
  })
  const session = new UdpSession(relay, connection, lease, {
    now: () => 0,
    ttlMs: 1,
    paired: (one) => void new UdpLink([leg(one), leg(one)], 1, () => {}),
    closed: () => {}
  })
  const [hooks] = given
  if (hooks === undefined) throw new Error('blind-relay was not asked')
  return { session, hooks }
}

const leg: RawStreamLike = { ...NOTHING, connected: true, bytesReceived: 0 }

test('a connection has 64 links, and not one more, whatever waits when the 63rd is made', () => {
  const { session: one, hooks } = session()
  for (let i = 0; i < 63; i++) if (hooks.onpair(`a${i}`)) hooks.onpaired(`a${i}`, leg)
  expect(one.links.size).toBe(63)
  const waiting = Array.from({ length: 64 }, (_, i) => `b${i}`).filter((token) => hooks.onpair(token))
  for (const token of waiting) hooks.onpaired(token, leg)
  expect(waiting.length).toBe(1)
  expect(one.links.size).toBeLessThanOrEqual(64)
})
