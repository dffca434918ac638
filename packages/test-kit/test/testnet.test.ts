import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { Cleanup, testnet, tmpStore, until } from '../src/index.ts'

test('swarms find each other and replicate', async () => {
  const network = await testnet()
  const [a, b] = [await tmpStore(), await tmpStore()]
  const writer = a.get({ name: 'core' })
  await writer.append('block')
  const reader = b.get({ key: writer.key })
  for (const store of [a, b]) {
    const swarm = network.createSwarm()
    swarm.on('connection', (stream) => store.replicate(stream))
    const discovery = swarm.join(writer.discoveryKey ?? new Uint8Array(32))
    await discovery.flushed()
  }
  expect(await reader.get(0)).toEqual(Buffer.from('block'))
})

test('a swarm and its node have one key pair', async () => {
  const network = await testnet(1)
  const keyPair = crypto.keyPair()
  const swarm = network.createSwarm({ keyPair })
  expect(swarm.dht.defaultKeyPair).toBe(keyPair)
  expect(swarm.keyPair).toBe(keyPair)
  const other = network.createSwarm()
  expect(other.dht.defaultKeyPair).toBe(other.keyPair)
  expect(other.dht).not.toBe(swarm.dht)
})

test('it is torn down in order, and may be destroyed before that', async () => {
  const cleanup = new Cleanup()
  const network = await testnet(2, { cleanup })
  const store = await tmpStore({ cleanup })
  const swarm = network.createSwarm()
  const node = network.createNode()
  await swarm.listen()
  const gone = (): boolean[] => [swarm.destroyed, store.closed, node.destroyed]
  cleanup.defer('stream', () => expect(gone()).toEqual([true, false, false]))
  cleanup.defer('network', () => expect(gone()).toEqual([true, true, false]))
  await cleanup.run()
  expect(node.destroyed).toBe(true)

  const early = await testnet(1)
  const lone = early.createSwarm()
  await early.destroy()
  expect(lone.destroyed).toBe(true)
  await until(() => lone.dht.destroyed)
})
