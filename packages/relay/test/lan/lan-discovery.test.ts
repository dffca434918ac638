import { testCleanup, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { LanDiscovery } from '../../src/lan/index.ts'
import { keyPair } from '../replicas/records.ts'

const { publicKey } = keyPair(1)

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
  a.find(keyPair(2).publicKey, (at) => found.push(at))
  await until(() => found.length === 1)
  b.announce(keyPair(2).publicKey, 4001)
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
  b.announce(keyPair(2).publicKey, 4001)
  a.find(keyPair(2).publicKey, (at) => found.push(at))
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
