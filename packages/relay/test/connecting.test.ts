import { until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import type { LanLike, RelayAddress, RelayClient } from '../src/index.ts'
import type { RelayServer } from '../src/server/index.ts'
import { EndlessPunching } from './endless-punching.ts'
import { listening } from './listening.ts'
import { startDevice, startRelay, twoKeyPairs } from './relays.ts'
import { startSwitch, type SwitchProxy } from './switch-proxy.ts'

/** Whatever waits for something else waits for longer than a test. */
const NEVER_MS = 600_000

/** A network without anybody else. */
const emptyLan: LanLike = { announce: () => () => {}, find: () => () => {} }

interface Meeting {
  readonly relay: RelayServer
  readonly alice: RelayClient
  readonly bob: RelayClient
  /** Between Alice and the relay. */
  readonly toRelay: SwitchProxy
  /** Between Alice and Bob. */
  readonly toBob: SwitchProxy
}

/** Alice can reach Bob by a relay and at an address; both ways are open, and what passes can be held. */
async function meeting(preferMs: number): Promise<Meeting> {
  const [a, b] = twoKeyPairs()
  const { relay, address } = await startRelay([a, b])
  const [toRelay, toBob] = [await startSwitch(relay.ports.tcp ?? 0), await startSwitch()]
  toRelay.on = toBob.on = true
  const relays: RelayAddress[] = [{ ...address, tcp: { host: '127.0.0.1', port: toRelay.port } }]
  const bob = await startDevice(b, { relays: [address], listen: { host: '127.0.0.1', announce: [] } })
  toBob.target = bob.port ?? 0
  const times = { preferMs, staggerMs: NEVER_MS, attemptMs: NEVER_MS, deadMs: NEVER_MS, retryMs: 20 }
  const alice = await startDevice(a, { relays, times })
  await until(() => bob.registeredAt.length === 1 && alice.registeredAt.length === 1)
  return { relay, alice, bob, toRelay, toBob }
}

/** Holds what passes in both directions, until it is let go. */
function hold(wire: SwitchProxy): { readonly held: number; release(): void } {
  const waiting: (() => void)[] = []
  wire.meddle = (chunk, _, from) => {
    const copy = Buffer.from(chunk)
    waiting.push(() => wire.inject(from, copy))
    return null
  }
  return {
    get held() {
      return waiting.length
    },
    release: () => {
      wire.meddle = (chunk) => chunk
      for (const pass of waiting.splice(0)) pass()
    }
  }
}

test('where UDP, an address and the local network lead nowhere, a connection through a relay waits for none of them', async () => {
  const [a, b] = twoKeyPairs()
  const { address } = await startRelay([a, b])
  const hole = await listening(() => {})
  const dht = new EndlessPunching()
  const times = { staggerMs: NEVER_MS, attemptMs: NEVER_MS, retryMs: NEVER_MS }
  const alice = await startDevice(a, { relays: [address], dht, lan: emptyLan, times })
  const bob = await startDevice(b, { relays: [address] })
  await until(() => bob.registeredAt.length === 1)
  const connection = alice.connect(bob.publicKey, { addresses: [`127.0.0.1:${hole.port}`] })
  expect(await connection.opened).toBe(true)
  expect(connection.path?.kind).toBe('relay')
  expect(dht.punchings).toBe(1)
})

test('where the relay and the first address lead nowhere, a device on the local network is reached, which waits for neither', async () => {
  const [a, b] = twoKeyPairs()
  const hole = await listening(() => {})
  const bob = await startDevice(b, { listen: { host: '127.0.0.1' } })
  const lan: LanLike = {
    announce: () => () => {},
    find: (_, onfound) => {
      queueMicrotask(() => onfound({ host: '127.0.0.1', port: bob.port ?? 0 }))
      return () => {}
    }
  }
  const relays = [{ publicKey: b.publicKey, tcp: { host: '127.0.0.1', port: hole.port } }]
  const times = { staggerMs: NEVER_MS, attemptMs: NEVER_MS }
  const alice = await startDevice(a, { relays, lan, dht: new EndlessPunching(), times })
  const connection = alice.connect(bob.publicKey, { addresses: [`127.0.0.1:${hole.port}`] })
  expect(await connection.opened).toBe(true)
  expect(connection.path).toEqual({ kind: 'tcp', relay: null, transport: 'tcp' })
})

test('a direct way that answers a moment after the relay carries the connection, and the relay no byte of it', async () => {
  const { relay, alice, bob, toBob } = await meeting(NEVER_MS)
  const direct = hold(toBob)
  const connection = alice.connect(bob.publicKey, { addresses: [`127.0.0.1:${toBob.port}`] })
  // Bob has answered through the relay, and nothing begins.
  await until(async () => direct.held === 1 && (await relayedBytes(relay)) > 200)
  expect([connection.path, bob.connections.size, direct.held]).toEqual([null, 0, 1])
  direct.release()
  expect(await connection.opened).toBe(true)
  expect(connection.path).toEqual({ kind: 'tcp', relay: null, transport: 'tcp' })
  await until(() => relay.sessions === 0 && bob.connections.size === 1)
})

test('a direct way that answers later is what a connection moves to that has begun through the relay', async () => {
  const { relay, alice, bob, toBob } = await meeting(0)
  const direct = hold(toBob)
  const connection = alice.connect(bob.publicKey, { addresses: [`127.0.0.1:${toBob.port}`] })
  const ways: (string | undefined)[] = []
  connection.on('path', (path) => ways.push(path?.kind))
  expect(await connection.opened).toBe(true)
  await until(() => direct.held === 2)
  direct.release()
  await until(() => connection.path?.kind === 'tcp' && relay.sessions === 0)
  expect(ways).toEqual(['relay', 'tcp'])
  expect(bob.connections.size).toBe(1)
})

test('a device that comes to a relay while direct UDP is still being tried is reached there', async () => {
  const [a, b] = twoKeyPairs()
  const { address } = await startRelay([a, b])
  const dht = new EndlessPunching()
  const alice = await startDevice(a, { relays: [address], dht, times: { attemptMs: 50 } })
  const failures: unknown[] = []
  const connection = alice.connect(b.publicKey)
  connection.on('error', (error) => failures.push(error))
  await startDevice(b, { relays: [address] })
  await Promise.race([connection.opened, until(() => failures.length > 0)])
  expect([failures, connection.path?.kind, dht.punchings]).toEqual([[], 'relay', 1])
})

async function relayedBytes({ metrics }: RelayServer): Promise<number> {
  const { values } = await metrics.relayedBytes.get()
  return values.reduce((sum, { value }) => sum + value, 0)
}
