import crypto, { type KeyPair } from 'hypercore-crypto'
import { testnet, until } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { findByRecord } from '../../src/client/find-by-record.ts'
import { createGrant, DeviceRecord, type RelayAddress, ReplicaSet } from '../../src/index.ts'
import { RecordFinder, type RecordFinderOptions } from '../../src/records/record-finder.ts'
import { greet } from '../links.ts'
import { asStream, startDevice, startRelay, twoKeyPairs } from '../relays.ts'
import { startFleet } from '../replicas/fleet.ts'

const FAST = { keepAliveMs: 200, retryMs: 50, attemptMs: 2_000 }
const [device, owner, other] = [crypto.keyPair(), crypto.keyPair(), crypto.keyPair()]
const relay = crypto.keyPair().publicKey
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

function setOf(signer: KeyPair, seq = 1, host = '192.0.2.1'): ReplicaSet {
  return ReplicaSet.sign([{ key: relay, addresses: [`tcp://${host}:4989`] }], seq, signer)
}

function recordOf(set: ReplicaSet | null, seq = 1, expiresAt = Date.now() + 60_000, by = device): Uint8Array {
  return DeviceRecord.sign({ seq, expiresAt, relays: [relay], set: set?.bytes ?? null }, by).bytes
}

/** A finder whose relays and DHT answer what they are told to. */
function finder(
  answers: readonly Uint8Array[],
  inDht: Uint8Array | null,
  options: Partial<RecordFinderOptions> = {}
): { readonly find: () => Promise<string[]>; readonly sets: number[]; readonly finder: RecordFinder } {
  const sets: number[] = []
  const made = new RecordFinder({
    owners: [{ owner: owner.publicKey }],
    now: Date.now,
    askMs: 1_000,
    ask: (_, onrecord) => {
      queueMicrotask(() => answers.forEach((answer) => onrecord(answer)))
      return { asked: answers.length, stop: () => {} }
    },
    dht: {
      connect: () => {
        throw new Error('unused')
      },
      createServer: () => {
        throw new Error('unused')
      },
      mutableGet: async () => (inDht === null ? null : { seq: 1, value: inDht })
    },
    onset: ({ seq }) => sets.push(seq),
    ...options
  })
  const find = async (): Promise<string[]> =>
    (await made.find(device.publicKey, new Promise(() => {}))).map(({ tcp }) => `${tcp?.host}:${tcp?.port}`)
  return { find, sets, finder: made }
}

test('what a relay says is taken first, then what the DHT says, and each is remembered', async () => {
  const fromRelay = finder([new Uint8Array(0), recordOf(setOf(owner))], null)
  expect(await fromRelay.find()).toEqual(['192.0.2.1:4989'])
  expect(fromRelay.finder.known(device.publicKey).map(hex)).toEqual([hex(relay)])
  expect(await finder([new Uint8Array(0)], recordOf(setOf(owner))).find()).toEqual(['192.0.2.1:4989'])
  expect(await finder([], null).find()).toEqual([])
})

test('a relay that does not answer is not waited for', async () => {
  const silent = finder([], recordOf(setOf(owner)), {
    askMs: 10,
    ask: () => ({ asked: 1, stop: () => {} })
  })
  expect(await silent.find()).toEqual(['192.0.2.1:4989'])
})

test.each([
  ['whose set is of an owner that nobody trusts', recordOf(setOf(other))],
  ['without a set', recordOf(null)],
  ['that has expired', recordOf(setOf(owner), 1, Date.now() - 1_000)],
  ['of another device', recordOf(setOf(owner), 1, Date.now() + 60_000, other)],
  ['that is no record', Buffer.from('tcp://192.0.2.1:4989')],
  [
    'with a set that does not name the relay',
    DeviceRecord.sign(
      { seq: 1, expiresAt: Date.now() + 60_000, relays: [other.publicKey], set: setOf(owner).bytes },
      device
    ).bytes
  ]
])('a record %s leads nowhere, whoever passes it on', async (_, bytes) => {
  const one = finder([bytes], bytes)
  expect(await one.find()).toEqual([])
})

test('a device that has moved to another relay is found there by who has looked it up before', async () => {
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

test('the DHT is asked again where relays know nothing newer than what is known', async () => {
  let [seq, host] = [1, '192.0.2.1']
  const { find } = finder([new Uint8Array(0)], null, {
    dht: {
      connect: () => {
        throw new Error('unused')
      },
      createServer: () => {
        throw new Error('unused')
      },
      mutableGet: async () => ({ seq, value: recordOf(setOf(owner, seq, host), seq) })
    }
  })
  expect(await find()).toEqual(['192.0.2.1:4989'])
  ;[seq, host] = [2, '192.0.2.2']
  expect(await find()).toEqual(['192.0.2.2:4989'])
})

test('a device that was known at one relay, and is at another, is reached there by the same connect()', async () => {
  const [first, moved] = [crypto.keyPair().publicKey, crypto.keyPair().publicKey]
  const members = [first, moved].map((key) => ({ key, addresses: ['tcp://192.0.2.1:4989'] }))
  const { bytes: set } = ReplicaSet.sign(members, 1, owner)
  const at = (key: Uint8Array, seq: number): Uint8Array =>
    DeviceRecord.sign({ seq, expiresAt: Date.now() + 60_000, relays: [key], set }, device).bytes
  let said = at(first, 1)
  const { find, finder: made } = finder([], null, {
    ask: (_, onrecord) => {
      queueMicrotask(() => onrecord(said))
      return { asked: 1, stop: () => {} }
    }
  })
  await find()
  said = at(moved, 2)
  const attempted: string[] = []
  const attempt = ({ publicKey: key }: RelayAddress): { result: Promise<string>; abort: () => void } => {
    attempted.push(hex(key))
    const isThere = hex(key) === hex(moved)
    return { result: isThere ? Promise.resolve('there') : Promise.reject(new Error('gone')), abort: () => {} }
  }
  const times = { staggerMs: 600_000, attemptMs: 600_000 }
  expect(await findByRecord(made, device.publicKey, [], attempt, times).result).toBe('there')
  expect(attempted).toEqual([first, moved].map(hex))
})

test('an older set brings no address back that its owner has replaced', async () => {
  const { find, finder: made, sets } = finder([recordOf(setOf(owner, 1, '192.0.2.66'))], null)
  expect(made.use(setOf(owner, 2))).toBe(true)
  expect(await find()).toEqual(['192.0.2.1:4989'])
  expect(sets).toEqual([])
})

test('a newer set of one’s own owner that comes with a record is told', async () => {
  const { find, sets } = finder([recordOf(setOf(owner, 7))], null)
  await find()
  expect(sets).toEqual([7])
})

test('a device that knows no relay finds the other one by its record in the DHT, through relays of an owner it trusts', async () => {
  const [a, b] = twoKeyPairs()
  const network = await testnet()
  const { replicas, owner: friend, relays } = await startFleet(2, [b], () => ({ issuers: [] }))
  for (const one of relays) one.policy.allow(a.publicKey)
  const bob = await startDevice(b, { replicas, dht: network.createNode(), times: FAST })
  bob.on('connection', (connection) => asStream(connection).pipe(asStream(connection)))
  const node = network.createNode()
  await until(() => bob.registeredAt.length === 2)
  await until(async () => (await node.mutableGet(b.publicKey)) !== null)
  const stranger = await startDevice(crypto.keyPair(), { dht: node, times: FAST })
  expect(await stranger.connect(b.publicKey).opened).toBe(false)
  const alice = await startDevice(a, { dht: node, owners: [{ owner: friend.publicKey }], times: FAST })
  const connection = alice.connect(b.publicKey)
  expect(await connection.opened).toBe(true)
  const back = new Promise<Uint8Array>((resolve) => connection.once('data', resolve))
  connection.write(Buffer.from('found'))
  expect(Buffer.from(await back).toString()).toBe('found')
})

test('a record names its relays again when they change, and a grant opens those of a friend', async () => {
  const [a, b] = twoKeyPairs()
  const friend = crypto.keyPair()
  const network = await testnet()
  const {
    replicas,
    owner: signer,
    relays
  } = await startFleet(3, [b], () => ({
    issuers: [friend.publicKey],
    drainMs: 1_000
  }))
  const bob = await startDevice(b, { replicas, dht: network.createNode(), times: FAST })
  await until(() => bob.registeredAt.length === 2)
  const node = network.createNode()
  const named = async (): Promise<string[]> => {
    const found = await node.mutableGet(b.publicKey)
    return found === null ? [] : DeviceRecord.open(found.value, b.publicKey).relays.map(hex)
  }
  const registered = (): string[] => bob.registeredAt.map(hex).sort()
  await until(async () => (await named()).join() === registered().join())
  const [first] = await named()
  await relays.find(({ publicKey }) => hex(publicKey) === first)?.drain()
  await until(async () => !(await named()).includes(first ?? '') && (await named()).length === 2)
  const grant = createGrant(friend, { device: a.publicKey, expiresAt: Date.now() + 60_000 })
  const owners = [{ owner: signer.publicKey, grant }]
  const alice = await startDevice(a, { dht: node, owners, times: FAST })
  expect(await alice.connect(b.publicKey).opened).toBe(true)
})

test('a relay keeps the record of a device that is registered there, and tells it to devices it serves', async () => {
  const [a, b] = twoKeyPairs()
  const { relay: server, address } = await startRelay([a, b])
  const bob = await startDevice(b, { relays: [address], times: FAST })
  await until(() => bob.registeredAt.length === 1)
  const found: string[] = []
  const link = greet(address, a, (one) => one.register(30_000))
  link.onfound = (target, record) => {
    expect(hex(target)).toBe(hex(b.publicKey))
    if (record.length > 0) found.push(...DeviceRecord.open(record, b.publicKey).relays.map(hex))
  }
  await until(() => link.seen.includes('registered'))
  await until(() => {
    link.link.lookup(b.publicKey)
    return found.length > 0
  })
  expect(found[0]).toBe(hex(server.publicKey))
})

test('what a device says while somebody reaches it does no harm to the connection', async () => {
  const [a, b] = twoKeyPairs()
  const { relay: server, address } = await startRelay([a, b])
  const parked = greet(address, b, (one) => one.register(30_000))
  await until(() => parked.seen.includes('registered'))
  const opener = greet(address, a, (one) => one.open(b.publicKey))
  await until(() => opener.seen.includes('opened'))
  const found: number[] = []
  parked.onfound = (_, record) => found.push(record.length)
  const mine = recordOf(null, 1, Date.now() + 60_000, b)
  parked.link.publish(mine)
  parked.link.lookup(b.publicKey)
  await until(() => found.length > 0)
  expect(found).toEqual([mine.length])
  expect([parked.ended, opener.ended, server.sessions]).toEqual([null, null, 1])
})

test('who leaves what is no record of its own is put out', async () => {
  const [a, b] = twoKeyPairs()
  const { address } = await startRelay([a, b])
  for (const bytes of [recordOf(null), new Uint8Array(500), new Uint8Array(1)]) {
    const link = greet(address, a, (one) => one.register(30_000))
    await until(() => link.seen.includes('registered'))
    link.link.publish(bytes)
    await until(() => link.ended !== null)
    expect(link.ended).toBe('RELAY_PROTOCOL')
  }
})

test('a device that wants nobody to know publishes nothing', async () => {
  const [a, b] = twoKeyPairs()
  const c = crypto.keyPair()
  const { relay: server, address } = await startRelay([a, b, c])
  await startDevice(b, { relays: [address], times: FAST, publish: 'nowhere' })
  await until(() => server.registered === 1)
  // Where one that came after it has said where it is, it would have done so too.
  await startDevice(c, { relays: [address], times: FAST })
  const seen = new Map<string, number>()
  const link = greet(address, a, (one) => one.register(30_000))
  link.onfound = (target, record) => seen.set(hex(target), record.length)
  await until(() => link.seen.includes('registered'))
  await until(() => {
    link.link.lookup(c.publicKey)
    return seen.get(hex(c.publicKey))
  })
  link.link.lookup(b.publicKey)
  await until(() => seen.has(hex(b.publicKey)))
  expect(seen.get(hex(b.publicKey))).toBe(0)
})
