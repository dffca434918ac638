import NoiseSecretStream from '@hyperswarm/secret-stream'
import crypto from 'hypercore-crypto'
import { testnet, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { attach } from '../src/swarm/index.ts'
import { listening } from './listening.ts'
import { twoKeyPairs } from './relays.ts'

test('a swarm whose client is closing dials as it did before it had one', async () => {
  const network = await testnet()
  const [a, b] = twoKeyPairs()
  const [one, two] = [network.createSwarm({ keyPair: a }), network.createSwarm({ keyPair: b })]
  await two.listen()
  const client = attach(one, {})
  await client.ready()
  const closing = client.close()
  // As hyperswarm does it from its timers, and where a connection closes: nobody catches it there.
  expect(() => one.joinPeer(b.publicKey)).not.toThrow()
  await closing
  await until(() => one.connections.size === 1)
})

test('a swarm whose client could not listen dials as it did before it had one', async () => {
  const network = await testnet()
  const [a, b] = twoKeyPairs()
  const swarm = network.createSwarm({ keyPair: a })
  const { port } = await listening(() => {})
  const client = attach(swarm, { listen: { host: '127.0.0.1', port } })
  const dial = (): string => {
    swarm.dht
      .connect(b.publicKey, { keyPair: a })
      .on('error', () => {})
      .destroy()
    return 'dialled'
  }
  expect(await client.ready().then(null, dial)).toBe('dialled')
})

test('a swarm that ends while more peers wait than are dialled at once throws nothing, and dials none of them', async () => {
  const [a] = twoKeyPairs()
  const swarm = (await testnet()).createSwarm({ keyPair: a })
  let dials = 0
  swarm.dht.connect = () => {
    dials++
    return new NoiseSecretStream(true, null, { autoStart: false })
  }
  const client = attach(swarm, {})
  await client.ready()
  // Three are dialled together; none answers.
  for (let i = 0; i < 5; i++) swarm.joinPeer(crypto.keyPair().publicKey)
  const dialled = dials
  await swarm.destroy()
  expect([swarm.destroyed, dials]).toEqual([true, dialled])
})
