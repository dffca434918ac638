import { until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { type PeerAddresses, isDialable } from '../src/addresses/peer-addresses.ts'
import { RelayClient } from '../src/index.ts'
import { EndlessPunching } from './endless-punching.ts'
import { listening } from './listening.ts'
import { startDevice, startRelay, twoKeyPairs } from './relays.ts'

/** What each host is, by the registries of IANA (RFC 6890 and those it names). */
const HOSTS: Record<Exclude<PeerAddresses, 'none'>, readonly string[]> = {
  machine: [
    '127.0.0.1',
    '127.255.0.1',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::127.0.0.1]'
  ],
  network: [
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.1',
    '192.168.1.1',
    '100.64.0.1',
    '192.0.0.9',
    '198.18.0.1',
    '198.19.255.1',
    '[fd12::1]',
    '[fec0::1]',
    '[::ffff:c0a8:101]',
    '[64:ff9b::10.0.0.1]',
    '[2002:c0a8:101::1]'
  ],
  internet: [
    '192.0.2.1',
    '172.32.0.1',
    '100.128.0.1',
    '11.0.0.1',
    '[2001:db8::1]',
    '[::ffff:192.0.2.1]',
    '198.20.0.1',
    '192.0.1.1',
    '[64:ff9b::192.0.2.1]',
    '[2002:cb00:7101::1]'
  ]
}

test.each<PeerAddresses>(['machine', 'network', 'internet', 'none'])(
  'who says %s dials what is as far away, and farther',
  (reach) => {
    const order = ['machine', 'network', 'internet', 'none']
    for (const [kind, hosts] of Object.entries(HOSTS)) {
      const dialled = hosts.filter((host) => isDialable(`${host}:4989`, reach))
      expect(dialled).toEqual(order.indexOf(kind) >= order.indexOf(reach) ? hosts : [])
    }
  }
)

test('what is no address of one machine is never dialled', () => {
  for (const address of [
    'localhost:1',
    'a.example:1',
    '0.0.0.0:1',
    '169.254.1.1:1',
    '224.0.0.1:1',
    '255.255.255.255:1',
    '1.2.3:1',
    '1.2.3.256:1',
    '127.1:1',
    '0177.0.0.1:1',
    '012.0.0.1:1',
    '192.0250.0.1:1',
    '8.8.8.010:1',
    '1..2.3:1',
    '[::ffff:0177.0.0.1]:1',
    '192.0.2.1:0',
    '192.0.2.1:65536',
    '192.0.2.1',
    '[::]:1',
    '[0:0:0:0:0:0:0:0]:1',
    '[fe80::1]:1',
    '[ff02::1]:1',
    '[::ffff:0:0]:1',
    '[::ffff:a9fe:1]:1',
    '[1:2]:1',
    '[:::::]:1',
    '[]:1',
    '::1:1'
  ])
    expect([address, isDialable(address)]).toEqual([address, false])
})

test('a device that dials nobody who names this machine stays with the relay', async () => {
  const [a, b] = twoKeyPairs()
  const { address } = await startRelay([a, b])
  let tried = 0
  const { port } = await listening(() => tried++)
  // To the platform, which reads the second one as octal, both are this machine.
  const announce = [`127.0.0.1:${port}`, `0177.0.0.1:${port}`]
  const bob = await startDevice(b, { relays: [address], listen: { host: '127.0.0.1', announce } })
  await until(() => bob.registeredAt.length === 1)
  const wary = await startDevice(a, { relays: [address], peerAddresses: 'network' })
  expect(await wary.connect(bob.publicKey).opened).toBe(true)
  // To dial takes a few turns.
  for (let i = 0; i < 500; i++) await new Promise((resolve) => setImmediate(resolve))
  expect(tried).toBe(0)
  await wary.close()
  const open = await startDevice(a, { relays: [address] })
  await until(() => bob.registeredAt.length === 1)
  expect(await open.connect(bob.publicKey).opened).toBe(true)
  await until(() => tried > 0)
  expect(() => new RelayClient({ keyPair: a, peerAddresses: 'all' as never })).toThrow(/^RELAY_BAD_ARGUMENT/)
})

test('a device that dials nothing that is named dials no key in the DHT either, whenever it was told', async () => {
  const [a, b] = twoKeyPairs()
  const { address } = await startRelay([a, b])
  const dialled = new Set<string>()
  class Node extends EndlessPunching {
    override connect(key?: Uint8Array): ReturnType<EndlessPunching['connect']> {
      if (key !== undefined) dialled.add(Buffer.from(key).toString('hex'))
      return super.connect()
    }
  }
  const bob = await startDevice(b, { relays: [address], dht: new EndlessPunching() })
  await until(() => bob.registeredAt.length === 1)
  const alice = await startDevice(a, { relays: [address], dht: new Node(), peerAddresses: 'none' })
  for (let i = 0; i < 2; i++) {
    const connection = alice.connect(bob.publicKey)
    expect(await connection.opened).toBe(true)
    // What is better is looked for at once.
    for (let j = 0; j < 500; j++) await new Promise((resolve) => setImmediate(resolve))
    connection.destroy()
    await until(() => bob.registeredAt.length === 1 && bob.connections.size === 0)
  }
  expect([...dialled]).toEqual([Buffer.from(b.publicKey).toString('hex')])
})
