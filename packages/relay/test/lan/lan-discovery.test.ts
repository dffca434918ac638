import { testCleanup, until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import makeMdns from 'multicast-dns'
import { LanDiscovery } from '../../src/lan/index.ts'
import { announcementPacket } from '../../src/lan/lan-packets.ts'
import { labelOf } from '../../src/lan/lan-tag.ts'

/** New ones: others may run these tests on this machine, at the same port. */
const [{ publicKey }, other] = [crypto.keyPair(), crypto.keyPair()]

async function discovery(): Promise<LanDiscovery> {
  // Nothing leaves this computer.
  const lan = new LanDiscovery({ interfaces: () => ['127.0.0.1'] })
  testCleanup().defer('network', () => lan.close())
  await lan.ready()
  return lan
}

test('a device is found whether it was announced before or after somebody looked, and once', async () => {
  const [a, b] = [await discovery(), await discovery()]
  const found: object[] = []
  b.announce(publicKey, 4000)
  a.find(publicKey, (at) => found.push(at))
  a.find(other.publicKey, (at) => found.push(at))
  await until(() => found.length === 1)
  b.announce(other.publicKey, 4001)
  await until(() => found.length === 2)
  expect(found).toEqual([
    { host: '127.0.0.1', port: 4000 },
    { host: '127.0.0.1', port: 4001 }
  ])
})

test('whoever stopped looking hears nothing, and whoever stopped announcing is not found', async () => {
  const [a, b] = [await discovery(), await discovery()]
  const found: object[] = []
  const stop = a.find(publicKey, (at) => found.push(at))
  stop()
  const withdraw = b.announce(publicKey, 4000)
  withdraw()
  b.announce(other.publicKey, 4001)
  a.find(other.publicKey, (at) => found.push(at))
  await until(() => found.length === 1)
  expect(found).toEqual([{ host: '127.0.0.1', port: 4001 }])
})

test('wrong arguments are refused, and so is everything after closing', async () => {
  const lan = await discovery()
  expect(() => lan.announce(publicKey, 0)).toThrow(/^RELAY_BAD_ARGUMENT/)
  expect(() => lan.announce(new Uint8Array(3), 1)).toThrow(/^RELAY_BAD_ARGUMENT/)
  expect(() => lan.find(new Uint8Array(3), () => {})).toThrow(/^RELAY_BAD_ARGUMENT/)
  await lan.close()
  expect(() => lan.announce(publicKey, 1)).toThrow(/^RELAY_CLOSED/)
  expect(() => lan.find(publicKey, () => {})).toThrow(/^RELAY_CLOSED/)
})

/** Another machine of the network, which says what it likes. */
function stranger(address: string): (ports: readonly number[]) => void {
  const mdns = makeMdns({ interface: address, bind: '0.0.0.0', reuseAddr: true })
  testCleanup().defer('network', () => mdns.destroy())
  const label = labelOf(publicKey)
  return (ports) => mdns.respond(announcementPacket(ports.map((port) => ({ label, port }))))
}

test('an impostor that repeats a label is two addresses for each question, and hides nobody', async () => {
  const lan = await discovery()
  const found: number[] = []
  lan.find(publicKey, ({ port }) => found.push(port))
  stranger('127.0.0.1')(Array.from({ length: 16 }, (_, i) => 1000 + i))
  await until(() => found.length > 0)
  stranger('127.0.0.2')([4000])
  await until(() => found.includes(4000))
  expect(found).toEqual([1000, 1001, 4000])
})

test('an address is told again after the next question: whoever was not there may be by now', async () => {
  const lan = await discovery()
  const found: number[] = []
  lan.find(publicKey, ({ port }) => found.push(port))
  const say = stranger('127.0.0.1')
  say([4000, 4000])
  await until(() => found.length > 0)
  expect(found).toEqual([4000])
  await until(() => {
    say([4000])
    return found.length > 1
  })
})
