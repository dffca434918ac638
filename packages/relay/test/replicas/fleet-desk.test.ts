import { type FakeClock, fakeClock, until } from '@cloudpal/test-kit'
import type { KeyPair } from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { Heartbeat, HeartbeatSource, ReplicaSet } from '../../src/index.ts'
import { RelayLink } from '../../src/paths/relay-link.ts'
import type { RelayServer } from '../../src/server/index.ts'
import { listening } from '../listening.ts'
import { sayAsReplica } from '../lying.ts'
import { wirePair } from '../memory-wire.ts'
import { startRelay, twoKeyPairs } from '../relays.ts'

const HOST = '127.0.0.1'
const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex')

/** How often replicas are asked. */
const INTERVAL_MS = 100

/** A relay, one device, and another replica that says a new beat whenever it is asked. The clock of the relay stands still: it misses no beat. */
async function relayAndReplica(): Promise<{
  relay: RelayServer
  clock: FakeClock
  self: KeyPair
  other: KeyPair
  /** Its beats from now on, and how many it has said. */
  beats: { epoch: number; draining: boolean; said: number }
  /** Somebody who says what it wants through a wire of memory, the beats that it hears, and what else has happened to it. */
  listener(
    keyPair: KeyPair,
    wish: (link: RelayLink) => void
  ): { link: RelayLink; heard: Heartbeat[]; seen: string[] }
  device: KeyPair
  setOf(seq: number, keys: readonly KeyPair[], addresses?: readonly string[]): Uint8Array
}> {
  const [owner, self] = twoKeyPairs()
  const [other, device] = twoKeyPairs()
  const beats = { epoch: 1, draining: false, said: 0 }
  const sources = new Map<number, HeartbeatSource>()
  const { port } = await listening((socket) =>
    sayAsReplica(socket, other, () => {
      const { epoch, draining } = beats
      beats.said++
      const source = sources.get(epoch) ?? new HeartbeatSource(owner.publicKey, other, { epoch })
      sources.set(epoch, source)
      return [{ type: 'beat', record: source.next({ load: 0.1, draining }).bytes }]
    })
  )
  const setOf = (seq: number, keys: readonly KeyPair[], addresses?: readonly string[]): Uint8Array =>
    ReplicaSet.sign(
      keys.map((one) => ({
        key: one.publicKey,
        addresses: addresses ?? (one === other ? [`tcp://${HOST}:${port}`] : [])
      })),
      seq,
      owner
    ).bytes
  const clock = fakeClock(1_000)
  const { relay } = await startRelay([device], {
    keyPair: self,
    now: clock.now,
    replicas: { owner: owner.publicKey, set: setOf(1, [self, other, device]), intervalMs: INTERVAL_MS }
  })
  await until(() => relay.replicas.some(({ state }) => state === 'alive'))
  const listener = (keyPair: KeyPair, wish: (link: RelayLink) => void) => {
    const [near, far] = wirePair()
    const heard: Heartbeat[] = []
    const seen: string[] = []
    const link: RelayLink = new RelayLink(
      near,
      { keyPair, relay: relay.publicKey, grant: null },
      {
        onwelcome: () => {
          seen.push('welcome')
          wish(link)
        },
        onregistered: () => seen.push('registered'),
        onpong: () => seen.push('pong'),
        onset: (record) => seen.push(`set ${ReplicaSet.open(record, owner.publicKey).seq}`),
        onbeat: (record) => heard.push(Heartbeat.open(record)),
        onclose: ({ code }) => seen.push(code)
      }
    )
    relay.accept(far)
    return { link, heard, seen }
  }
  return { relay, clock, self, other, beats, listener, device, setOf }
}

test('that a replica has begun to drain, and is back, is said at once, and what is no news is not', async () => {
  const { clock, other, beats, listener, device } = await relayAndReplica()
  const { heard } = listener(device, (link) => link.register(3_600_000))
  const news = (): unknown[] =>
    heard
      .filter(({ replica }) => hex(replica) === hex(other.publicKey))
      .map(({ epoch, draining }) => [epoch, draining])
  const somewhatLater = async (): Promise<void> => {
    const { said } = beats
    clock.advance(INTERVAL_MS)
    await until(() => beats.said > said + 3)
  }
  await until(() => news().length === 1)
  await somewhatLater()
  beats.epoch = 2
  await until(() => news().length === 2)
  await somewhatLater()
  beats.draining = true
  await until(() => news().length === 3)
  await somewhatLater()
  expect(news()).toEqual([
    [1, false],
    [2, false],
    [2, true]
  ])
})

test('another replica hears of this one, and of the others from themselves', async () => {
  const { relay, clock, self, other, beats, listener, device } = await relayAndReplica()
  const { link, heard, seen } = listener(other, (link) => link.watch(3_600_000, 1))
  const parked = listener(device, (link) => link.register(3_600_000))
  await until(() => heard.length > 0 && parked.heard.length > 1)
  clock.advance(INTERVAL_MS)
  beats.draining = true
  // Who watches would have heard it just after that.
  await until(() => parked.heard.some(({ draining }) => draining))
  link.ping()
  await until(() => seen.includes('pong'))
  relay.drain().catch(() => {})
  await until(() => heard.some(({ draining }) => draining))
  expect(new Set(heard.map(({ replica }) => hex(replica)))).toEqual(new Set([hex(self.publicKey)]))
})

test('a replica that the owner has taken out watches no longer, also where it is served as a device', async () => {
  const { relay, self, other, listener, device, setOf } = await relayAndReplica()
  const watching = [other, device].map((keyPair) => listener(keyPair, (link) => link.watch(3_600_000, 1)))
  const parked = listener(device, (link) => link.register(3_600_000, { setSeq: 1 }))
  await until(() => watching.every(({ heard }) => heard.length > 0) && parked.heard.length > 0)
  const refused: string[] = []
  relay.on('refused', ({ code }, key) => refused.push(`${code} ${hex(key ?? new Uint8Array(0))}`))
  relay.useReplicas(setOf(2, [self]))
  await until(() => watching.every(({ seen }) => seen.length > 1))
  expect(refused.sort()).toEqual([other, device].map((one) => `RELAY_DENIED ${hex(one.publicKey)}`).sort())
  parked.link.ping()
  await until(() => parked.seen.includes('pong'))
  expect(parked.seen).toEqual(['welcome', 'registered', 'set 2', 'pong'])
})

test('a set of up to 1,000 bytes is told to devices, and a longer one is the app’s to bring', async () => {
  const { relay, self, listener, device, setOf } = await relayAndReplica()
  const { link, seen } = listener(device, (link) => link.register(3_600_000, { setSeq: 1 }))
  await until(() => seen.includes('registered'))
  const ofLength = (seq: number, bytes: number): Uint8Array => {
    const short = setOf(seq, [self], ['wss://', 'wss://', 'wss://', 'wss://'])
    const more = bytes - short.length
    const addresses = [0, 1, 2, 3].map((i) => `wss://${'x'.repeat((more >> 2) + (i < (more & 3) ? 1 : 0))}`)
    const set = setOf(seq, [self], addresses)
    expect(set.length).toBe(bytes)
    return set
  }
  relay.useReplicas(ofLength(2, 1_000))
  relay.useReplicas(ofLength(3, 1_001))
  link.ping()
  await until(() => seen.includes('pong'))
  expect(seen).toEqual(['welcome', 'registered', 'set 2', 'pong'])
})
