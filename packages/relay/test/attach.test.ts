import type { EventEmitter } from 'node:events'
import { testnet, tmpStore, until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import NoiseSecretStream from '@hyperswarm/secret-stream'
import { expect, test } from 'vitest'
import { attach } from '../src/swarm/index.ts'
import { errorForSwarm } from '../src/swarm/swarm-error.ts'
import type { Connection } from '../src/index.ts'
import { listening } from './listening.ts'
import { sayAsRelay } from './lying.ts'
import { startDevice, startRelay, twoKeyPairs } from './relays.ts'

test('two swarms that share no DHT meet through their relay, and replicate', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  // Each has a network of its own: as for two devices whose UDP is blocked.
  const [one, two] = [
    (await testnet()).createSwarm({ keyPair: a }),
    (await testnet()).createSwarm({ keyPair: b })
  ]
  attach(one, { relays: [address] })
  attach(two, { relays: [address] })
  const [mine, theirs] = [await tmpStore(), await tmpStore()]
  const paths: (string | undefined)[] = []
  const replicate = (store: typeof mine) => (stream: NoiseSecretStream) => {
    paths.push((stream as unknown as Connection).path?.kind)
    store.replicate(stream)
  }
  one.on('connection', replicate(mine))
  two.on('connection', replicate(theirs))
  const core = theirs.get({ name: 'core' })
  await core.append(['a', 'b'])
  await until(() => relay.registered === 2)
  one.joinPeer(b.publicKey)
  const copy = mine.get({ key: core.key })
  await copy.ready()
  expect(await copy.get(1).then(String)).toBe('b')
  expect(paths).toEqual(['relay', 'relay'])
  expect([one.connections.size, two.connections.size]).toEqual([1, 1])
})

test('swarms on one network connect directly by their topic, and the relay carries nothing', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const network = await testnet()
  const [one, two] = [network.createSwarm({ keyPair: a }), network.createSwarm({ keyPair: b })]
  // Only one of them knows of relays.
  const client = attach(one, { relays: [address] })
  await until(() => client.registeredAt.length === 1)
  const topic = crypto.randomBytes(32)
  two.on('connection', (stream) => {
    stream.on('error', () => {})
    stream.write(Buffer.from('hello'))
  })
  await two.join(topic).flushed()
  const connected = new Promise<NoiseSecretStream>((resolve) => one.once('connection', resolve))
  one.join(topic)
  const connection = (await connected) as unknown as Connection
  expect(connection.path).toEqual({ kind: 'udp', relay: null, transport: 'udp' })
  const heard = new Promise<Uint8Array>((resolve) => connection.once('data', resolve))
  expect(String(await heard)).toBe('hello')
  expect((await relay.metrics.relayedBytes.get()).values).toEqual([])
})

test('a swarm’s firewall refuses through the relay too, and a swarm that ends takes its client along', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const one = (await testnet()).createSwarm({ keyPair: a, backoffs: [10, 10, 10] })
  const two = (await testnet()).createSwarm({ keyPair: b, firewall: () => true })
  const [client, other] = [attach(one, { relays: [address] }), attach(two, { relays: [address] })]
  await until(() => relay.registered === 2)
  const connection = client.connect(b.publicKey)
  const code = new Promise<unknown>((resolve) =>
    connection.once('error', (error) => resolve((error.cause as AggregateError).errors))
  )
  expect(await connection.opened).toBe(false)
  expect(await code).toEqual(
    expect.arrayContaining([expect.objectContaining({ code: 'RELAY_PEER_REFUSED' })])
  )
  await two.destroy()
  expect(other.closed).toBe(true)
  await until(() => relay.registered === 1)
})

test('what is no swarm is refused', () => {
  expect(() => attach({}, {})).toThrow(expect.objectContaining({ code: 'RELAY_BAD_ARGUMENT' }))
})

test('two swarms that reach out for each other through a relay at once have one connection', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const [one, two] = [
    (await testnet()).createSwarm({ keyPair: a, backoffs: [50, 50, 50] }),
    (await testnet()).createSwarm({ keyPair: b, backoffs: [50, 50, 50] })
  ]
  for (const swarm of [one, two]) attach(swarm, { relays: [address] })
  const heard: string[] = []
  for (const [swarm, name] of [
    [one, 'one'],
    [two, 'two']
  ] as const)
    swarm.on('connection', (stream) => {
      stream.on('error', () => {}).on('data', (said: Uint8Array) => heard.push(`${name} ${String(said)}`))
      stream.write(Buffer.from('hello'))
    })
  await until(() => relay.registered === 2)
  one.joinPeer(b.publicKey)
  two.joinPeer(a.publicKey)
  await until(() => heard.includes('one hello') && heard.includes('two hello'))
  await until(() => one.connections.size === 1 && two.connections.size === 1)
  await until(() => relay.sessions === 1)
})

test('a swarm that has relays of its own too is told when a hole could not be punched, and goes on with them', async () => {
  const [a, b] = twoKeyPairs()
  const swarm = (await testnet()).createSwarm({ keyPair: a, relayThrough: () => null })
  // Both NATs are symmetric.
  swarm.dht.connect = () => {
    const stream = new NoiseSecretStream(true, null, { autoStart: false })
    queueMicrotask(() => stream.destroy(Object.assign(new Error('aborted'), { code: 'HOLEPUNCH_ABORTED' })))
    return stream
  }
  const { address } = await startRelay([a])
  attach(swarm, { relays: [address] })
  swarm.joinPeer(b.publicKey)
  const peers = swarm.peers as ReadonlyMap<string, { readonly forceRelaying?: boolean }>
  await until(() => peers.get(Buffer.from(b.publicKey).toString('hex'))?.forceRelaying)
})

test('a swarm’s own relays are used where hyperdht punches for longer than one way may take', async () => {
  const [a, b] = twoKeyPairs()
  const swarm = (await testnet()).createSwarm({ keyPair: a, relayThrough: () => null })
  const dials: NoiseSecretStream[] = []
  // As hyperdht where one NAT is symmetric: it guesses ports for long, and then says so.
  swarm.dht.connect = () => {
    const stream = new NoiseSecretStream(true, null, { autoStart: false })
    dials.push(stream)
    return stream
  }
  const { relay, address } = await startRelay([a])
  attach(swarm, { relays: [address], times: { attemptMs: 100 } })
  swarm.joinPeer(b.publicKey)
  // Each time the relay is asked, what one way may take has passed once more.
  await until(async () => (await relay.metrics.refusals.get()).values.some(({ value }) => value >= 3))
  dials[0]?.destroy(Object.assign(new Error('aborted'), { code: 'HOLEPUNCH_ABORTED' }))
  const peers = swarm.peers as ReadonlyMap<string, { readonly forceRelaying?: boolean }>
  await until(() => peers.get(Buffer.from(b.publicKey).toString('hex'))?.forceRelaying)
})

test('what else a dial fails with the swarm sees as it is', () => {
  const refused = Object.assign(new Error('no'), { code: 'RELAY_PEER_REFUSED' })
  const aborted = Object.assign(new Error('no hole'), { code: 'HOLEPUNCH_ABORTED' })
  const all = new Error('all', { cause: new AggregateError([refused, new Error('udp', { cause: aborted })]) })
  expect(errorForSwarm(all)).toMatchObject({ code: 'HOLEPUNCH_ABORTED', cause: all })
  expect(errorForSwarm(refused)).toBe(refused)
})

test('a swarm ends although its client could not', async () => {
  const [a] = twoKeyPairs()
  const swarm = (await testnet()).createSwarm({ keyPair: a })
  const client = attach(swarm, {})
  const close = client.close.bind(client)
  client.close = () => close().then(() => Promise.reject(new Error('no')))
  await expect(swarm.destroy()).rejects.toThrow('no')
  expect(swarm.destroyed).toBe(true)
})

test('a swarm has one client at a time, and swarms that share a node are given back in any order', async () => {
  const network = await testnet()
  const [a, b] = twoKeyPairs()
  const [one, two] = [network.createSwarm({ keyPair: a }), network.createSwarm({ keyPair: b })]
  const { dht } = one
  Object.assign(two, { dht })
  const { connect } = dht
  const [first, second] = [attach(one, {}), attach(two, {})]
  expect(() => attach(one, {})).toThrow(expect.objectContaining({ code: 'RELAY_BAD_ARGUMENT' }))
  await first.close()
  // One that could not be made takes nothing.
  expect(() => attach(one, { windowBytes: 1 })).toThrow(/a window has/)
  expect(dht.connect).not.toBe(connect)
  const again = attach(one, {})
  await second.close()
  await again.close()
  expect(dht.connect).toBe(connect)
})

test('while its swarm is suspended a device is registered nowhere, also where it was before the client came', async () => {
  const [a] = twoKeyPairs()
  const { relay, address } = await startRelay([a])
  const swarm = (await testnet()).createSwarm({ keyPair: a })
  await swarm.suspend()
  const client = attach(swarm, { relays: [address] })
  const events: string[] = []
  client.on('registered', () => events.push('registered'))
  await client.ready()
  await swarm.resume()
  events.push('resumed')
  await until(() => relay.registered === 1 && events.length === 2)
  expect(events).toEqual(['resumed', 'registered'])
  await swarm.suspend()
  await until(() => relay.registered === 0)
  await swarm.resume()
  await until(() => relay.registered === 1)
})

test('a device whose network has changed asks its relays and connections at once, and no more once it is closed', async () => {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const silent = crypto.keyPair()
  let pings = 0
  const { port } = await listening((socket) =>
    sayAsRelay(socket, silent, ({ type }) => {
      if (type === 'ping') pings++
      return [{ type: type === 'register' ? 'registered' : 'pong' }]
    })
  )
  const swarm = (await testnet()).createSwarm({ keyPair: a })
  const dht = swarm.dht as unknown as EventEmitter
  const before = dht.listenerCount('network-change')
  const relays = [{ publicKey: silent.publicKey, tcp: { host: '127.0.0.1', port } }, address]
  const client = attach(swarm, { relays })
  await startDevice(b, { relays: [address] })
  await until(() => client.registeredAt.length === 2 && relay.registered === 2)
  const connection = client.connect(b.publicKey)
  let asked = 0
  connection.sendKeepAlive = () => asked++
  await connection.opened
  dht.emit('network-change')
  await until(() => pings === 1)
  expect(asked).toBe(1)
  await client.close()
  expect(dht.listenerCount('network-change')).toBe(before)
})

test('what somebody has put before the node’s connect since stays there when the client closes', async () => {
  const network = await testnet()
  const [a, b] = twoKeyPairs()
  const [one, two] = [network.createSwarm({ keyPair: a }), network.createSwarm({ keyPair: b })]
  await two.listen()
  const client = attach(one, {})
  const { connect } = one.dht
  let dials = 0
  one.dht.connect = (...given: Parameters<typeof connect>) => {
    dials++
    return connect.call(one.dht, ...given)
  }
  await client.close()
  one.joinPeer(b.publicKey)
  await until(() => one.connections.size === 1)
  expect(dials).toBe(1)
})

test('what somebody has put before the destroy of a swarm since stays there when its client closes', async () => {
  const [a] = twoKeyPairs()
  const swarm = (await testnet()).createSwarm({ keyPair: a })
  const client = attach(swarm, {})
  const { destroy } = swarm
  let ended = 0
  swarm.destroy = (options) => {
    ended++
    return destroy.call(swarm, options)
  }
  await client.close()
  await swarm.destroy()
  expect([ended, swarm.destroyed]).toEqual([1, true])
})

test('a swarm that was destroyed is refused', async () => {
  const swarm = (await testnet()).createSwarm()
  await swarm.destroy()
  expect(() => attach(swarm, {})).toThrow(expect.objectContaining({ code: 'RELAY_BAD_ARGUMENT' }))
})
