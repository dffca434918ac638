import b4a from 'b4a'
import { vi } from 'vitest'
import crypto from 'hypercore-crypto'
import { type ClientTimes, TIMES } from '../src/client/options.ts'
import { type Reach, Sessions } from '../src/client/sessions.ts'
import type { Path } from '../src/paths/path.ts'
import { SecretConnection } from '../src/session/secret-connection.ts'
import type { KeyPair } from '../src/types.ts'
import { type Network, setNetwork, Way } from './simulated-ways.ts'

const [ALICE, BOB] = ['127.0.0.1:2', '127.0.0.1:1']

export interface Device {
  readonly keyPair: KeyPair
  readonly sessions: Sessions
  readonly connections: SecretConnection[]
  read: number
  /** Codes of what its connections ended with. */
  readonly errors: unknown[]
  /** Streams that came to their end. */
  ends: number
  wrong: boolean
  written: number
  /** Its app writes no more. */
  ended: boolean
}

/**
 * Two devices with all that a client's sessions are made of, in simulated time, and the ways between them: two relays, and one direct way to each. Bytes count up: any wrong
 * one shows.
 */
export class TwoDevices implements Network {
  readonly relays = [new Way(crypto.randomBytes(32)), new Way(crypto.randomBytes(32))]
  /** To Bob's address, and to Alice's. */
  readonly directWays = [new Way(null), new Way(null)] as const
  readonly devices: readonly [Device, Device]
  readonly connection: SecretConnection
  dials = 0
  /** What they say that they listen with in the DHT. */
  udpKey = new Uint8Array(0)
  readonly #times: ClientTimes

  constructor(times: Partial<ClientTimes> = {}) {
    this.#times = { ...TIMES, graceMs: 10_000_000, ...times }
    this.devices = [this.#device(ALICE), this.#device(BOB)]
    const [alice, bob] = this.devices
    this.connection = new SecretConnection(true, alice.keyPair.publicKey, bob.keyPair.publicKey)
    this.#attend(alice, this.connection)
  }

  relay(relay: Uint8Array, target: Uint8Array): { way: Way; accept(path: Path): void } {
    const way = this.relays.find((one) => b4a.equals(one.relay ?? relay, relay))
    const device = this.devices.find(({ keyPair }) => b4a.equals(keyPair.publicKey, target))
    if (way === undefined || device === undefined) throw new Error('no such relay, or device')
    return { way, accept: (path) => device.sessions.accept(path) }
  }

  direct(address: string): { way: Way; accept(path: Path): void } {
    const to = address === BOB ? 1 : 0
    return {
      way: this.directWays[to === 1 ? 0 : 1],
      accept: (path) => this.devices[to].sessions.accept(path)
    }
  }

  /** @param udp - Alice's node in the DHT */
  start(udp: Reach['udp'] = null): void {
    const [alice, bob] = this.devices
    alice.sessions.reach(bob.keyPair.publicKey, this.connection, {
      addresses: [BOB],
      lan: null,
      udp,
      byRecord: null,
      explain: (error) => error
    })
  }

  #device(address: string): Device {
    const keyPair = crypto.keyPair()
    const device: Device = {
      keyPair,
      connections: [],
      read: 0,
      errors: [],
      ends: 0,
      wrong: false,
      written: 0,
      ended: false,
      sessions: new Sessions({
        keyPair,
        times: this.#times,
        windowBytes: 1 << 18,
        peerAddresses: 'machine',
        firewall: () => false,
        candidates: () => ({ tcp: [address], udp: this.udpKey }),
        relaysTo: () =>
          this.relays.map(({ relay }) => ({
            publicKey: relay as Uint8Array,
            tcp: { host: '127.0.0.1', port: 1 }
          })),
        onconnection: (connection) => this.#attend(device, connection),
        onproved: () => {},
        onfailed: () => {}
      })
    }
    return device
  }

  #attend(device: Device, connection: SecretConnection): void {
    device.connections.push(connection)
    connection.on('error', (error) => device.errors.push((error as { code?: string }).code))
    connection.on('end', () => device.ends++)
    let at = 0
    connection.on('data', (data: Uint8Array) => {
      for (const byte of data) if (byte !== at++ % 251) device.wrong = true
      device.read = at
    })
  }

  write(me: 0 | 1, length: number): void {
    const device = this.devices[me]
    const connection = me === 0 ? this.connection : device.connections[0]
    if (connection === undefined || connection.destroying || device.ended) return
    connection.write(Uint8Array.from({ length }, (_, i) => (device.written + i) % 251))
    device.written += length
  }

  end(me: 0 | 1): void {
    const connection = me === 0 ? this.connection : this.devices[1].connections[0]
    if (connection?.destroying !== false) return
    connection.end()
    this.devices[me].ended = true
  }

  /** Whether the app of this side reads. */
  read(me: 0 | 1, reads: boolean): void {
    const connection = me === 0 ? this.connection : this.devices[1].connections[0]
    if (reads) connection?.resume()
    else connection?.pause()
  }

  get links(): number {
    return [...this.relays, ...this.directWays].reduce((sum, { links }) => sum + links.size, 0)
  }
}

/** Runs with fake timers, and leaves none. */
export async function withTwoDevices(
  work: (devices: TwoDevices) => Promise<void>,
  times?: Partial<ClientTimes>
): Promise<void> {
  vi.useFakeTimers()
  const devices = new TwoDevices(times)
  setNetwork(devices)
  try {
    await work(devices)
  } finally {
    setNetwork(null)
    vi.clearAllTimers()
    vi.useRealTimers()
  }
}
