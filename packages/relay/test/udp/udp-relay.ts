import NoiseSecretStream from '@hyperswarm/secret-stream'
import { type Cleanup, testCleanup, testnet } from '@cloudpal/test-kit'
import { Client, token } from 'blind-relay'
import type { KeyPair } from 'hypercore-crypto'
import type HyperDHT from 'hyperdht'
import type { RawStream } from 'hyperdht'
import { type PolicyOptions, RelayPolicy } from '../../src/policy/relay-policy.ts'
import type { Refusal } from '../../src/protocol/refusal.ts'
import { UdpPlane, type UdpPlaneOptions } from '../../src/udp/udp-plane.ts'
import { keyPair } from '../replicas/records.ts'

export interface TestRelay {
  plane: UdpPlane
  policy: RelayPolicy
  node: HyperDHT
  key: Uint8Array
  refusals: Refusal[]
  /** Of whom nothing was told. */
  ignored: Refusal[]
  /** A node whose key pair is that of this number. */
  device(n: number): HyperDHT
}

const RELAY = 1000

/** A relay on a DHT of this computer, which sweeps when it is told to. Devices 1 to 9 are allowed. */
export async function testRelay(
  options: UdpPlaneOptions = {},
  policyOptions: PolicyOptions = {}
): Promise<TestRelay> {
  const cleanup = testCleanup()
  const net = await testnet(3, { cleanup })
  const relayKeys = keyPair(RELAY)
  const allow = Array.from({ length: 9 }, (_, i) => keyPair(i + 1).publicKey)
  const policy = new RelayPolicy(relayKeys.publicKey, { allow, ...policyOptions })
  const node = net.createNode({ keyPair: relayKeys })
  const refusals: Refusal[] = []
  const ignored: Refusal[] = []
  const observer = {
    refused: (why: Refusal) => refusals.push(why),
    ignored: (why: Refusal) => ignored.push(why)
  }
  const plane = new UdpPlane(node, policy, { sweepMs: 0, observer, ...options })
  cleanup.defer('swarm', () => plane.close())
  await plane.ready()
  const device = (n: number): HyperDHT => net.createNode({ keyPair: keyPair(n) })
  return { plane, policy, node, key: relayKeys.publicKey, refusals, ignored, device }
}

/** A device's connection to a relay. */
export interface Control {
  stream: NoiseSecretStream
  client: Client
  node: HyperDHT
  /** How it ended. */
  closed: Promise<void>
}

/** Dials as hyperdht does for its own `relayThrough`. @throws what the dial failed with */
export async function dial(
  node: HyperDHT,
  relay: Uint8Array,
  cleanup: Cleanup = testCleanup()
): Promise<Control> {
  const stream = node.connect(relay)
  cleanup.defer('stream', () => stream.destroy())
  const failed = new Promise<never>((_, reject) => stream.on('error', reject))
  const closed = new Promise<void>((resolve) => stream.on('close', () => resolve()))
  failed.catch(() => {})
  if (!(await stream.opened)) return failed
  const client = Client.from(stream, { id: stream.publicKey })
  return { stream, client, node, closed }
}

/** Asks for one half, whatever comes of it. */
export function ask({ client }: Control, isInitiator: boolean, secret: Uint8Array = token()): void {
  const stream = { id: 1 } as RawStream
  client
    .pair(isInitiator, secret, stream)
    .on('error', () => {})
    .on('data', () => {})
}

/** One end of a relayed stream: end-to-end Noise over a raw stream. */
export interface End {
  raw: RawStream
  noise: NoiseSecretStream
}

/** Asks for one half, and connects when the other one is there. */
export function pairHalf(
  control: Control,
  isInitiator: boolean,
  token: Uint8Array,
  keys: KeyPair
): Promise<End> {
  const { stream, client, node } = control
  const raw = node.createRawStream({ framed: true })
  return new Promise((resolve, reject) => {
    const request = client.pair(isInitiator, token, raw)
    request.on('error', reject)
    request.on('data', (remoteId) => {
      const { socket, remotePort, remoteHost } = stream.rawStream as RawStream
      if (socket === null || remoteHost === null) return reject(new Error('the control stream is gone'))
      raw.connect(socket, remoteId, remotePort, remoteHost)
      // Who waits for the other one to begin has to show where it is.
      raw.trySend(new Uint8Array(0))
      const noise = new NoiseSecretStream(isInitiator, raw, { keyPair: keys })
      noise.on('error', () => {})
      resolve({ raw, noise })
    })
  })
}

/** Two devices, joined through the relay and through nothing else. */
export async function relayed(relay: TestRelay, a = 1, b = 2): Promise<[End & Control, End & Control]> {
  const [left, right] = await Promise.all([
    dial(relay.device(a), relay.key),
    dial(relay.device(b), relay.key)
  ])
  const secret = token()
  const ends = await Promise.all([
    pairHalf(left, true, secret, keyPair(a)),
    pairHalf(right, false, secret, keyPair(b))
  ])
  await Promise.all(ends.map(({ noise }) => noise.opened))
  return [
    { ...left, ...ends[0] },
    { ...right, ...ends[1] }
  ]
}

/** Sends so many bytes, and waits until they have come back from the other end. */
export async function echo(from: NoiseSecretStream, to: NoiseSecretStream, bytes: number): Promise<void> {
  to.on('data', (data) => to.write(data))
  let left = bytes
  const done = new Promise<void>((resolve) =>
    from.on('data', (data) => {
      left -= data.length
      if (left === 0) resolve()
    })
  )
  from.write(new Uint8Array(bytes))
  await done
}
