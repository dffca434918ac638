import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { createGrant, SCOPE } from '../../src/policy/grant.ts'
import { Lease } from '../../src/policy/lease.ts'
import { RelayPolicy } from '../../src/policy/relay-policy.ts'
import { UdpAdmission } from '../../src/udp/udp-admission.ts'
import { keyPair } from '../replicas/records.ts'

const owner = keyPair(60)
const [one, two] = [keyPair(1).publicKey, keyPair(2).publicKey]

function admission(): UdpAdmission {
  const policy = new RelayPolicy(keyPair(1000).publicKey, { issuers: [owner.publicKey] })
  const options = { denialsPerSecond: 20, observer: {}, now: () => 0, isClosed: () => false }
  return new UdpAdmission(policy, options)
}

function grantOf(device: Uint8Array, scopes: number = SCOPE.UDP): Uint8Array {
  return createGrant(owner, { device, scopes, expiresAt: Date.now() + 60_000 })
}

/** Whether it is let in, or why not. */
function outcome(admission: UdpAdmission, device: Uint8Array): string {
  const admitted = admission.admit(device)
  if (!(admitted instanceof Lease)) return admitted.code
  admitted.end()
  return 'admitted'
}

test('of the grants that a device has shown the newest counts', () => {
  const admits = admission()
  admits.introduce(one, grantOf(one, SCOPE.OPEN))
  expect(outcome(admits, one)).toBe('RELAY_NO_SCOPE')
  admits.introduce(one, grantOf(one))
  expect(outcome(admits, one)).toBe('admitted')
  admits.introduce(one, grantOf(one, SCOPE.OPEN))
  expect(outcome(admits, one)).toBe('RELAY_NO_SCOPE')
})

test('grants of 10,000 devices are remembered, and of more the one that was shown longest ago is forgotten', () => {
  const admits = admission()
  for (const device of [one, two]) admits.introduce(device, grantOf(device))
  const strangers = (count: number): void => {
    for (let i = 0; i < count; i++) admits.introduce(crypto.randomBytes(32), new Uint8Array(0))
  }
  strangers(9_998)
  // It is shown with each connection.
  admits.introduce(one, grantOf(one))
  expect([one, two].map((device) => outcome(admits, device))).toEqual(['admitted', 'admitted'])
  strangers(1)
  expect([one, two].map((device) => outcome(admits, device))).toEqual(['admitted', 'RELAY_DENIED'])
})
