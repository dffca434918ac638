import b4a from 'b4a'
import { checkCount, checkedClock, checkKeyPair, checkOptions } from '../arguments.ts'
import { readReceipt } from '../format/receipt.ts'
import type { IdentityMemory } from '../memory/identity-memory.ts'
import { type Device, hex } from '../state/state.ts'
import type { KeyPair } from '../types.ts'
import { Callbacks } from './callbacks.ts'
import { type ConnectionLike, openChannel } from './connection.ts'
import { closed, isTheirs, refusal } from './faults.ts'
import { Gate } from './gate.ts'
import { channelId, decodeHello, encodeHello } from './messages.ts'
import { Peer } from './peer.ts'
import type { AuthenticatorOptions } from './types.ts'

const OPTIONS: readonly (keyof AuthenticatorOptions)[] = [
  'now',
  'patienceMs',
  'onstate',
  'onduplicity',
  'onsuperseded',
  'onrefused',
  'onerror'
]

/**
 * Lets devices of one identity know each other on connections, both ways, and no others; tells them of new events; and closes the connections of a device in the moment it
 * is revoked. Owns nothing but its channels: the connections are closed when they are refused, and otherwise the caller's.
 */
export class Authenticator {
  readonly #memory: IdentityMemory
  readonly #device: KeyPair
  readonly #patienceMs: number
  readonly #gate: Gate
  readonly #receipts = new Map<string, Uint8Array>()

  /** @throws KEY_ROTATION_BAD_ARGUMENT */
  constructor(memory: IdentityMemory, device: KeyPair, options: AuthenticatorOptions = {}) {
    checkKeyPair(device)
    checkOptions(options, OPTIONS)
    const { now, patienceMs = 10_000 } = options
    checkCount(patienceMs, '`patienceMs`')
    this.#memory = memory
    this.#device = device
    this.#patienceMs = patienceMs
    const callbacks = new Callbacks(memory, options)
    this.#gate = new Gate({ memory, device, now: checkedClock(now), callbacks })
  }

  /** What other devices say they have seen, the newest of each: for `verify`. */
  get receipts(): readonly Uint8Array[] {
    return [...this.#receipts.values()]
  }

  /**
   * Finds out which device is at the other end, and shows it which is at this one. Both sides call it, at any time within `patienceMs` of each other;
   * replicate when it has resolved. Takes no round trip of its own: each side speaks as soon as Noise is done.
   *
   * @returns the device. Its connection is closed when it is revoked later
   * @throws KeyRotationError after the connection was closed: KEY_ROTATION_DEVICE_UNKNOWN, KEY_ROTATION_DEVICE_REVOKED,
   *   KEY_ROTATION_DEVICE_EXPIRED, KEY_ROTATION_BAD_SIGNATURE, KEY_ROTATION_CLOSED when it closed, said nothing or has no hash of a handshake, and what is
   *   wrong with events that it sent; KEY_ROTATION_CLOSED also for a connection that was asked before, which stays as it is
   */
  authenticate(connection: ConnectionLike): Promise<Device> {
    if (this.#gate.isAsked(connection)) return Promise.reject(closed('the connection has been asked already'))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#gate.refuse(peer, closed('nothing was said')), this.#patienceMs)
      const peer = new Peer(connection, this.#memory, (device, error) => {
        clearTimeout(timer)
        if (device !== null) resolve(device)
        else reject(error ?? closed('the connection was closed'))
      })
      this.#gate.add(peer)
      connection.on('close', () => this.#gate.forget(peer, null))
      peer.channel = this.#open(peer)
      if (peer.channel === null)
        this.#gate.forget(peer, closed('the connection is closed, or asked by another'))
    })
  }

  /**
   * Keeps events, mostly this device's own, and tells the connected devices. What they revoke is closed here before they are kept, also where the store takes its
   * time, and there as soon as they have heard.
   *
   * @throws KEY_ROTATION_BROKEN_CHAIN for events that do not go on from those that the memory has, which then freeze nothing; and what
   *   `IdentityMemory.extend` throws
   */
  async publish(chain: Uint8Array | readonly Uint8Array[]): Promise<void> {
    try {
      await this.#memory.extend(chain, () => this.#gate.closeRefused())
    } finally {
      this.refresh()
    }
  }

  /** To be called when the memory has taken in events, or was told which of two histories counts, by another way; and it may be at any time. */
  refresh(): void {
    this.#gate.refresh()
  }

  #open(peer: Peer): Peer['channel'] {
    const { connection } = peer
    const { identity } = this.#memory.state
    return openChannel(connection, channelId(identity), {
      hello: (handshakeHash) => {
        const { seq, hash } = this.#memory.state
        const place = { identity, handshakeHash, isInitiator: connection.isInitiator }
        return encodeHello({ device: this.#device.publicKey, seq, hash }, place, this.#device)
      },
      onhello: (bytes) => this.#onhello(peer, bytes),
      onevents: (bytes) => this.#gate.inTurn(peer, bytes.length, () => this.#gate.hear(peer, bytes)),
      onreceipt: (bytes) => this.#onreceipt(peer, bytes),
      onask: () =>
        this.#gate.inTurn(peer, 0, async () => {
          peer.isAsked()
          if (peer.hello !== null) this.#gate.weigh(peer)
        }),
      // Without it nobody could be told of events, or weighed by them.
      onclose: () => connection.destroy(),
      onunbound: () => this.#gate.refuse(peer, closed('the connection has no hash of its handshake'))
    })
  }

  #onhello(peer: Peer, bytes: Uint8Array): void {
    const { handshakeHash, isInitiator } = peer.connection
    const { identity } = this.#memory.state
    const place = { identity, handshakeHash: handshakeHash ?? b4a.alloc(0), isInitiator: !isInitiator }
    peer.hello = decodeHello(bytes, place)
    if (peer.hello === null) {
      const message = 'the other side has not shown that it has the key it names'
      return this.#gate.refuse(peer, refusal('KEY_ROTATION_BAD_SIGNATURE', message))
    }
    peer.hears(peer.hello)
    this.#gate.weigh(peer)
  }

  #onreceipt(peer: Peer, bytes: Uint8Array): void {
    try {
      const { witness, seq, identity, hash } = readReceipt(bytes)
      const isOwn = peer.hello !== null && b4a.equals(witness, peer.hello.device)
      if (!isOwn || !b4a.equals(identity, this.#memory.state.identity)) return
      // What it says last counts: it may have gone over to a history that is stronger, and shorter.
      if (peer.isKnown) this.#receipts.set(hex(witness), bytes)
      peer.hears({ seq, hash })
    } catch (error) {
      if (!isTheirs(error)) throw error
      this.#gate.refuse(peer, error)
    }
  }
}
