import b4a from 'b4a'
import { checkCount, checkedClock, checkKeyPair, checkOptions } from '../arguments.ts'
import { KeyRotationError } from '../errors.ts'
import { createReceipt, readReceipt } from '../format/receipt.ts'
import type { IdentityMemory } from '../memory/identity-memory.ts'
import type { Duplicity } from '../memory/types.ts'
import { type Device, hex } from '../state/state.ts'
import type { KeyPair } from '../types.ts'
import { Callbacks } from './callbacks.ts'
import { type ConnectionLike, openChannel } from './connection.ts'
import { closed, deviceOrFault, isTheirs, refusal } from './faults.ts'
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
/** The longest that engines wait, in ms: a device that expires later is looked at again by then. */
const MAX_TIMER_MS: number = 2 ** 31 - 1
/** After so long a recovery that has to wait is weighed again: an hour, in ms. Its policy counts in days. */
const RETRY_MS: number = 3600 * 1000
/** After so long what could not be kept is tried again: a minute, in ms. */
const STORE_RETRY_MS: number = 60 * 1000

/**
 * Lets devices of one identity know each other on connections, both ways, and no others; tells them of new events; and closes the connections of a device in the moment it
 * is revoked. Owns nothing but its channels: the connections are closed when they are refused, and otherwise the caller's.
 */
export class Authenticator {
  readonly #memory: IdentityMemory
  readonly #device: KeyPair
  readonly #callbacks: Callbacks
  readonly #patienceMs: number
  readonly #now: () => number
  readonly #peers = new Set<Peer>()
  readonly #receipts = new Map<string, Uint8Array>()
  /** By what all were weighed last. */
  #weighed: Weighed

  /** @throws KEY_ROTATION_BAD_ARGUMENT */
  constructor(memory: IdentityMemory, device: KeyPair, options: AuthenticatorOptions = {}) {
    checkKeyPair(device)
    checkOptions(options, OPTIONS)
    const { now, patienceMs = 10_000 } = options
    checkCount(patienceMs, '`patienceMs`')
    this.#memory = memory
    this.#device = device
    this.#callbacks = new Callbacks(memory, options)
    this.#patienceMs = patienceMs
    this.#now = checkedClock(now)
    this.#weighed = weighedBy(memory)
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
    const isAsked = [...this.#peers].some((peer) => peer.connection === connection)
    if (isAsked) return Promise.reject(closed('the connection has been asked already'))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#refuse(peer, closed('nothing was said')), this.#patienceMs)
      const peer = new Peer(connection, this.#memory, (device, error) => {
        clearTimeout(timer)
        if (device !== null) resolve(device)
        else reject(error ?? closed('the connection was closed'))
      })
      this.#peers.add(peer)
      connection.on('close', () => this.#forget(peer, null))
      peer.channel = this.#open(peer)
      if (peer.channel === null) this.#forget(peer, closed('the connection is closed, or asked by another'))
    })
  }

  /**
   * Keeps events, mostly this device's own, and tells the connected devices. What they revoke is closed here before this resolves or throws, also where the
   * store fails, and there as soon as they have heard.
   *
   * @throws KEY_ROTATION_BROKEN_CHAIN for events that do not go on from those that the memory has, which then freeze nothing; and what
   *   `IdentityMemory.extend` throws
   */
  async publish(chain: Uint8Array | readonly Uint8Array[]): Promise<void> {
    try {
      await this.#memory.extend(chain)
    } finally {
      this.refresh()
    }
  }

  /** To be called when the memory has taken in events, or was told which of two histories counts, by another way; and it may be at any time. */
  refresh(): void {
    for (const peer of this.#peers) {
      if (peer.hello !== null) this.#weigh(peer)
      this.#weighAgain(peer)
    }
    this.#callbacks.show()
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
      onevents: (bytes) => this.#inTurn(peer, bytes.length, () => this.#onevents(peer, bytes)),
      onreceipt: (bytes) => this.#onreceipt(peer, bytes),
      onask: () =>
        this.#inTurn(peer, 0, async () => {
          peer.isAsked()
          if (peer.hello !== null) this.#weigh(peer)
        }),
      // Without it nobody could be told of events, or weighed by them.
      onclose: () => connection.destroy(),
      onunbound: () => this.#refuse(peer, closed('the connection has no hash of its handshake'))
    })
  }

  #onhello(peer: Peer, bytes: Uint8Array): void {
    const { handshakeHash, isInitiator } = peer.connection
    const { identity } = this.#memory.state
    const place = { identity, handshakeHash: handshakeHash ?? b4a.alloc(0), isInitiator: !isInitiator }
    peer.hello = decodeHello(bytes, place)
    if (peer.hello === null) {
      const message = 'the other side has not shown that it has the key it names'
      return this.#refuse(peer, refusal('KEY_ROTATION_BAD_SIGNATURE', message))
    }
    peer.hears(peer.hello)
    this.#weigh(peer)
  }

  #weigh(peer: Peer): void {
    const { state, latest } = this.#memory
    const { hello } = peer
    if (hello === null || !this.#peers.has(peer)) return
    const device = deviceOrFault(latest, hello.device, this.#now())
    if (device instanceof KeyRotationError) {
      // It may have been let in by events that it has, and this device has not; or be revoked only in a thief's history, which is the one that is here.
      if (peer.isKnown || peer.hasTold || peer.knowsNoMore(hello)) return this.#refuse(peer, device)
      if (hello.seq <= state.seq) peer.ask()
      return
    }
    this.#lookAgain(peer, device)
    peer.isKnown = true
    peer.settle(device, null)
    if (peer.tell()) this.#sendReceipt(peer)
  }

  /** When it expires, and from time to time while it has told what has to wait, or could not be kept. */
  #lookAgain(peer: Peer, { expires }: Device): void {
    clearTimeout(peer.timer)
    const leftMs = expires === null ? Infinity : expires - this.#now()
    const retryMs = peer.isUnkept ? STORE_RETRY_MS : RETRY_MS
    const waitMs = Math.min(leftMs, peer.hasMore ? retryMs : Infinity)
    if (waitMs === Infinity) return
    peer.timer = setTimeout(
      () => {
        this.#weigh(peer)
        this.#weighAgain(peer)
      },
      Math.min(waitMs, MAX_TIMER_MS)
    )
  }

  #inTurn(peer: Peer, bytes: number, run: () => Promise<void>): void {
    peer.inTurn(bytes, run, (error) => {
      if (isTheirs(error)) this.#refuse(peer, error)
      else this.#callbacks.failed(error)
    })
  }

  async #onevents(peer: Peer, bytes: Uint8Array): Promise<void> {
    if (peer.hello === null || !this.#peers.has(peer)) return
    const { part, isReady } = peer.hear(bytes)
    if (!isReady) return
    if (part === 'last') peer.hasTold = true
    await this.#weighHeard(peer)
    if (part === 'last') this.#sendReceipt(peer)
  }

  /** What had to wait, or could not be kept. */
  #weighAgain(peer: Peer): void {
    if (!peer.hasMore) return
    this.#inTurn(peer, 0, async () => {
      await this.#weighHeard(peer)
      if (!peer.hasMore) this.#sendReceipt(peer)
    })
  }

  async #weighHeard(peer: Peer): Promise<void> {
    if (!this.#peers.has(peer)) return
    try {
      await peer.weighHeard(this.#now())
    } finally {
      const before = this.#weighed
      this.#weighed = weighedBy(this.#memory)
      const isNew = !isSame(before, this.#weighed)
      if (isNew) for (const other of this.#peers) this.#weigh(other)
      else this.#weigh(peer)
      this.#callbacks.show()
    }
  }

  #sendReceipt(peer: Peer): void {
    if (this.#peers.has(peer))
      peer.channel?.sendReceipt(createReceipt(this.#memory.state, this.#device, this.#now()))
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
      this.#refuse(peer, error)
    }
  }

  #refuse(peer: Peer, error: KeyRotationError): void {
    if (!this.#forget(peer, error)) return
    const { connection, hello } = peer
    connection.destroy()
    this.#callbacks.refused({ connection, device: hello?.device ?? null, code: error.code })
  }

  /** @returns whether it was known */
  #forget(peer: Peer, error: KeyRotationError | null): boolean {
    if (!this.#peers.delete(peer)) return false
    clearTimeout(peer.timer)
    peer.settle(null, error)
    return true
  }
}

interface Weighed {
  readonly kept: Uint8Array
  readonly latest: Uint8Array
  readonly duplicity: Duplicity | null
}

function weighedBy({ state, latest, duplicity }: IdentityMemory): Weighed {
  return { kept: state.hash, latest: latest.hash, duplicity }
}

function isSame(a: Weighed, b: Weighed): boolean {
  return b4a.equals(a.kept, b.kept) && b4a.equals(a.latest, b.latest) && a.duplicity === b.duplicity
}
