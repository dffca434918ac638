import { until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { createGrant, readGrant, type RelayClientOptions, ReplicaSet } from '../src/index.ts'
import { nextConnection, startDevice, startRelay, twoKeyPairs } from './relays.ts'

test.each(['relays', 'replicas'] as const)(
  'a device goes on with a newer grant, and keeps its connections, where the one before holds no more: %s',
  async (kind) => {
    const [a, b] = twoKeyPairs()
    const [issuer, owner] = twoKeyPairs()
    const { relay, address } = await startRelay([b], { issuers: [issuer.publicKey] })
    const newGrant = (): Uint8Array =>
      createGrant(issuer, { device: a.publicKey, expiresAt: Date.now() + 60_000 })
    let newest = newGrant()
    const grant = (): Uint8Array => newest
    const addresses = [`tcp://127.0.0.1:${relay.ports.tcp}`]
    const { bytes } = ReplicaSet.sign([{ key: relay.publicKey, addresses }], 1, owner)
    const options: Record<typeof kind, Partial<RelayClientOptions>> = {
      relays: { relays: [{ ...address, grant }] },
      replicas: { replicas: { owner: owner.publicKey, set: bytes, grant } }
    }
    const alice = await startDevice(a, { ...options[kind], times: { retryMs: 1 } })
    const bob = await startDevice(b, { relays: [address] })
    await until(() => alice.registeredAt.length + bob.registeredAt.length === 2)
    const incoming = nextConnection(bob)
    const connection = alice.connect(b.publicKey)
    const others = await incoming
    const lost = new Promise<Error>((resolve) => alice.once('unregistered', (_, error) => resolve(error)))
    const nonce = readGrant(newest)?.nonce ?? new Uint8Array(0)
    newest = newGrant()
    relay.policy.revoke(nonce)
    expect(await lost).toMatchObject({ code: 'RELAY_REVOKED' })
    await until(() => alice.registeredAt.length === 1)
    const said = new Promise<Uint8Array>((resolve) => others.once('data', resolve))
    connection.write(Buffer.from('still here'))
    expect(Buffer.from(await said).toString()).toBe('still here')
  }
)

test('a device whose app gives no grant when it is asked for one shows none', async () => {
  const [a, issuer] = twoKeyPairs()
  const { address } = await startRelay([], { issuers: [issuer.publicKey] })
  const grants: (() => Uint8Array)[] = [
    () => {
      throw new TypeError('the app has forgotten it')
    },
    () => 'no bytes' as never
  ]
  for (const grant of grants) {
    const device = await startDevice(a, { relays: [{ ...address, grant }] })
    const error = await new Promise((resolve) => device.once('unregistered', (_, why) => resolve(why)))
    expect(error).toMatchObject({ code: 'RELAY_DENIED' })
  }
})
