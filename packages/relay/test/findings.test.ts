import { EventEmitter } from 'node:events'
import v8 from 'node:v8'
import { runInNewContext } from 'node:vm'
import { testCleanup, until } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test, vi } from 'vitest'
import { CallBack, type CallBackOptions } from '../src/client/call-back.ts'
import type { DhtLike } from '../src/client/dht.ts'
import { TIMES } from '../src/client/options.ts'
import { DeviceRecord, RelayClient, ReplicaSet } from '../src/index.ts'
import { LanDiscovery } from '../src/lan/index.ts'
import { announcementPacket } from '../src/lan/lan-packets.ts'
import { labelOf } from '../src/lan/lan-tag.ts'
import type { Path } from '../src/paths/path.ts'
import { RecordFinder } from '../src/records/record-finder.ts'
import { RecordShelf } from '../src/records/record-shelf.ts'
import { listening } from './listening.ts'
import { startDevice, startRelay, twoKeyPairs } from './relays.ts'

const mdns = vi.hoisted(() => ({ sockets: [] as EventEmitter[] }))

vi.mock('multicast-dns', async () => {
  const { EventEmitter } = await import('node:events')
  return {
    default: () => {
      const socket = Object.assign(new EventEmitter(), {
        query: () => {},
        respond: () => {},
        destroy: (done?: () => void) => done?.()
      })
      mdns.sockets.push(socket)
      return socket
    }
  }
})

test('104: where UDP is blocked a device registers at its relays at once', async () => {
  const keys = crypto.keyPair()
  const { address } = await startRelay([keys])
  let unblock = (): void => {}
  const dht: DhtLike = {
    connect: () => {
      throw new Error('unused')
    },
    createServer: () => ({
      // hyperdht's own waits for an answer of the network: 6 s and more where there is none.
      listen: () => new Promise<void>((resolve) => (unblock = resolve)),
      close: () => Promise.resolve()
    })
  }
  const device = new RelayClient({ keyPair: keys, relays: [address], dht })
  testCleanup().defer('swarm', () => device.close())
  const ready = device.ready()
  try {
    await until(() => device.registeredAt.length === 1, { timeoutMs: 2_000 })
  } finally {
    unblock()
    await ready
  }
})

test('105: a device that has moved to another relay is found there by who has looked it up before', async () => {
  const [device, owner] = twoKeyPairs()
  const relays = [crypto.keyPair().publicKey, crypto.keyPair().publicKey]
  const set = ReplicaSet.sign(
    relays.map((key, i) => ({ key, addresses: [`tcp://192.0.2.${i + 1}:4989`] })),
    1,
    owner
  )
  let seq = 0
  let at: Uint8Array[] = relays.slice(0, 1)
  const made = new RecordFinder({
    owners: [{ owner: owner.publicKey }],
    now: Date.now,
    askMs: 1_000,
    ask: (_, onrecord) => {
      const fields = { seq: ++seq, expiresAt: Date.now() + 3_600_000, relays: at, set: set.bytes }
      const { bytes } = DeviceRecord.sign(fields, device)
      queueMicrotask(() => onrecord(bytes))
      return { asked: 1, stop: () => {} }
    },
    dht: null,
    onset: () => {}
  })
  const find = async (): Promise<unknown[]> =>
    (await made.find(device.publicKey, new Promise(() => {}))).map(({ tcp }) => tcp?.host)
  expect(await find()).toEqual(['192.0.2.1'])
  // It has left the first one, says so, and whoever asks there hears RELAY_NOT_REGISTERED.
  at = relays.slice(1)
  expect(await find()).toContain('192.0.2.2')
})

test('107: an announcement from outside of the local network is none (RFC 6762, 11)', async () => {
  const lan = new LanDiscovery({ interfaces: () => ['127.0.0.1'] })
  testCleanup().defer('network', () => lan.close())
  await lan.ready()
  const { publicKey } = crypto.keyPair()
  const found: unknown[] = []
  lan.find(publicKey, (at) => found.push(at))
  const packet = announcementPacket([{ label: labelOf(publicKey), port: 4989 }])
  // The socket is open to all addresses: this one came by unicast, or with a source that somebody has made up.
  for (const socket of mdns.sockets) socket.emit('response', packet, { address: '203.0.113.9', port: 5353 })
  expect(found).toEqual([])
})

test('110: a record of a device whose clock was once far ahead does not hide the later ones', () => {
  const device = crypto.keyPair()
  const now = Date.now()
  const year = 365 * 86_400_000
  const shelf = new RecordShelf({ now: () => now, most: 10 })
  const said = (seq: number): Uint8Array =>
    DeviceRecord.sign({ seq, expiresAt: seq + 3_600_000, relays: [], set: null }, device).bytes
  shelf.put(said(now + year), device.publicKey)
  // Its clock is right again, and it was started anew.
  shelf.put(said(now), device.publicKey)
  expect(shelf.get(device.publicKey)?.seq).toBe(now)
})

test('113: close() ends the connections of a device that could not listen too', async () => {
  const [a, b] = twoKeyPairs()
  const { address } = await startRelay([a, b])
  const bob = await startDevice(b, { relays: [address] })
  await until(() => bob.registeredAt.length === 1)
  const { port } = await listening(() => {})
  const alice = new RelayClient({ keyPair: a, relays: [address], listen: { host: '127.0.0.1', port } })
  const connection = alice.connect(b.publicKey)
  testCleanup().defer('stream', () => connection.destroy())
  await expect(alice.ready()).rejects.toBeInstanceOf(Error)
  await alice.close()
  expect(connection.destroying).toBe(true)
})

test('114: addresses that a device is called at in vain leave nothing behind', async () => {
  const tried: WeakRef<Path>[] = []
  const connection = Object.assign(new EventEmitter(), {
    destroying: false,
    path: { kind: 'relay', relay: new Uint8Array(32), transport: 'tcp' }
  })
  testCleanup().defer('stream', () => void connection.emit('close'))
  const options = {
    keyPair: crypto.keyPair(),
    target: new Uint8Array(32),
    relays: () => [],
    candidates: { tcp: ['127.0.0.1:1'], udp: new Uint8Array(0) },
    peerAddresses: 'machine',
    times: { ...TIMES, retryMs: 1 },
    connection,
    session: new Uint8Array(16),
    secret: new Uint8Array(32),
    accept: (path: Path, onclosed: () => void) => {
      tried.push(new WeakRef(path))
      path.start({ onmessage: () => {}, ondrain: () => {}, onclose: onclosed })
    }
  }
  const calls = new CallBack(options as unknown as CallBackOptions)
  connection.emit('path', connection.path)
  await until(() => tried.length >= 10)
  v8.setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const left = (): number => tried.slice(0, 8).filter((one) => one.deref() !== undefined).length
  const kept = (): string => `${left()} of 8 paths are held, by ${calls.constructor.name}`
  await until(
    () => {
      collect()
      return left() === 0
    },
    { timeoutMs: 3_000, message: kept }
  )
})

test('122: a port that is taken has the code that README says', async () => {
  const { port } = await listening(() => {})
  const device = new RelayClient({ keyPair: crypto.keyPair(), listen: { host: '127.0.0.1', port } })
  await expect(device.ready()).rejects.toMatchObject({ code: 'RELAY_CANNOT_LISTEN' })
})
