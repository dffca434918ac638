import b4a from 'b4a'
import { checkKeyPair, checkOptions } from '../arguments.ts'
import { KeyRotationError, type KeyRotationErrorCode } from '../errors.ts'
import { decodeEvent } from '../format/event.ts'
import { createReceipt, readReceipt } from '../format/receipt.ts'
import type { Duplicity, IdentityMemory } from '../memory/identity-memory.ts'
import { type Device, deviceOf, hex, type IdentityState } from '../state/state.ts'
import type { KeyPair } from '../types.ts'
import { type ConnectionLike, openChannel, type PeerChannel } from './connection.ts'
import { channelId, decodeEvents, decodeHello, encodeEvents, encodeHello, type Hello } from './messages.ts'

export interface AuthenticatorOptions {
  /**
   * The clock, in ms since 1970.
   *
   * @defaultValue Date.now
   */
  now?: () => number
  /**
   * How long the other side has to say who it is, in ms.
   *
   * @defaultValue 10000
   */
  patienceMs?: number
  /** There are new events, kept already: of another device, or of `publish`. */
  onstate?: (state: IdentityState) => void
  /** The identity is forked: nothing new counts until `memory.choose`. */
  onduplicity?: (duplicity: Duplicity) => void
  /** A connection was closed, before or after its device was known. */
  onrefused?: (refusal: Refusal) => void
}

/** The longest that engines wait, in ms: a device that expires later is looked at again by then. */
const MAX_TIMER_MS: number = 2 ** 31 - 1
/** What one side may send before it was taken in: twice the largest sensible chain. */
const MAX_WAITING_BYTES: number = 32 * 1024 * 1024

export interface Refusal {
  readonly connection: ConnectionLike
  /** Its key, if it has shown that it has it. */
  readonly device: Uint8Array | null
  readonly code: KeyRotationErrorCode
}

interface Peer {
  readonly connection: ConnectionLike
  channel: PeerChannel | null
  remote: Hello | null
  isKnown: boolean
  /** Runs when the device expires. */
  expiry: unknown
  /** Messages are taken in one after the other; so many bytes wait. */
  turn: Promise<void>
  waitingBytes: number
  settle: (device: Device | null, error: KeyRotationError | null) => void
}

/**
 * Lets devices of one identity know each other on connections, both ways, and no others; tells them of new events; and closes the connections of a device in the moment it
 * is revoked. Owns nothing but its channels: the connections are closed when they are refused, and otherwise the caller's.
 */
export class Authenticator {
  readonly #memory: IdentityMemory
  readonly #device: KeyPair
  readonly #options: AuthenticatorOptions
  readonly #now: () => number
  readonly #peers = new Set<Peer>()
  readonly #receipts = new Map<string, { seq: number; bytes: Uint8Array }>()

  /** @throws KEY_ROTATION_BAD_ARGUMENT */
  constructor(memory: IdentityMemory, device: KeyPair, options: AuthenticatorOptions = {}) {
    checkKeyPair(device)
    checkOptions(options, ['now', 'patienceMs', 'onstate', 'onduplicity', 'onrefused'])
    this.#memory = memory
    this.#device = device
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  /** What other devices say they have seen, the newest of each: for `verify`. */
  get receipts(): readonly Uint8Array[] {
    return [...this.#receipts.values()].map(({ bytes }) => bytes)
  }

  /**
   * Finds out which device is at the other end, and shows it which is at this one. Both sides call it, at any time; replicate when it has resolved.
   * Takes no round trip of its own: each side speaks as soon as Noise is done.
   *
   * @returns the device. Its connection is closed when it is revoked later
   * @throws KeyRotationError after the connection was closed: KEY_ROTATION_DEVICE_UNKNOWN, KEY_ROTATION_DEVICE_REVOKED,
   *   KEY_ROTATION_DEVICE_EXPIRED, KEY_ROTATION_BAD_SIGNATURE, KEY_ROTATION_CLOSED when it closed or said nothing, and what is wrong with events that it sent
   */
  authenticate(connection: ConnectionLike): Promise<Device> {
    const isAsked = [...this.#peers].some((peer) => peer.connection === connection)
    if (isAsked) return Promise.reject(closed('the connection has been asked already'))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#refuse(peer, closed('nothing was said')),
        this.#options.patienceMs ?? 10_000
      )
      const peer: Peer = {
        connection,
        channel: null,
        remote: null,
        isKnown: false,
        expiry: null,
        turn: Promise.resolve(),
        waitingBytes: 0,
        settle: (device, error) => {
          clearTimeout(timer)
          if (device !== null) resolve(device)
          else reject(error ?? closed('the connection was closed'))
        }
      }
      this.#peers.add(peer)
      connection.on('close', () => this.#forget(peer))
      peer.channel = openChannel(connection, channelId(this.#memory.state.identity), {
        hello: () => this.#hello(connection),
        onhello: (bytes) => this.#onhello(peer, bytes),
        onevents: (bytes) => this.#enqueue(peer, bytes),
        onreceipt: (bytes) => this.#onreceipt(peer, bytes),
        // Without it nobody could be told of events, or weighed by them.
        onclose: () => connection.destroy()
      })
      if (peer.channel === null) this.#refuse(peer, closed('the connection is closed'))
    })
  }

  /**
   * Keeps events, mostly this device's own, and tells the connected devices. What they revoke is closed here before this resolves, and there as soon as
   * they have heard.
   *
   * @throws what `IdentityMemory.receive` throws
   */
  async publish(chain: Uint8Array | readonly Uint8Array[]): Promise<void> {
    if (await this.#memory.receive(chain)) this.refresh()
  }

  /** To be called when the memory has taken in events by another way. */
  refresh(): void {
    this.#options.onstate?.(this.#memory.state)
    for (const peer of this.#peers) if (peer.remote !== null) this.#weigh(peer)
  }

  #hello({ handshakeHash, isInitiator }: ConnectionLike): Uint8Array {
    const { identity, seq, hash } = this.#memory.state
    const hello = { device: this.#device.publicKey, seq, hash }
    const place = { identity, handshakeHash: handshakeHash ?? b4a.alloc(0), isInitiator }
    return encodeHello(hello, place, this.#device)
  }

  #onhello(peer: Peer, bytes: Uint8Array): void {
    const { handshakeHash, isInitiator } = peer.connection
    const { identity } = this.#memory.state
    const place = { identity, handshakeHash: handshakeHash ?? b4a.alloc(0), isInitiator: !isInitiator }
    peer.remote = decodeHello(bytes, place)
    if (peer.remote !== null) return this.#weigh(peer)
    const message = 'the other side has not shown that it has the key it names'
    this.#refuse(peer, new KeyRotationError('KEY_ROTATION_BAD_SIGNATURE', message))
  }

  #weigh(peer: Peer): void {
    const { state } = this.#memory
    const { remote } = peer
    if (remote === null) return
    const device = deviceOf(state, remote.device)
    if (device === null) {
      // Its own addition may be among the events that it has, and this device has not.
      if (remote.seq > state.seq) return
      return this.#refuse(peer, refusal('KEY_ROTATION_DEVICE_UNKNOWN', 'it was never added'))
    }
    if (device.revoked !== null)
      return this.#refuse(peer, refusal('KEY_ROTATION_DEVICE_REVOKED', `${device.name} is revoked`))
    if (device.expires !== null && this.#now() >= device.expires)
      return this.#refuse(peer, refusal('KEY_ROTATION_DEVICE_EXPIRED', `${device.name} has expired`))
    clearTimeout(peer.expiry)
    if (device.expires !== null) {
      const leftMs = Math.min(device.expires - this.#now(), MAX_TIMER_MS)
      peer.expiry = setTimeout(() => this.#weigh(peer), leftMs)
    }
    peer.isKnown = true
    peer.settle(device, null)
    this.#tell(peer, remote)
  }

  /** What the other side does not have yet; all of it where its newest event is another one than here. */
  #tell(peer: Peer, remote: Hello): void {
    const { state, events } = this.#memory
    if (remote.seq > state.seq || b4a.equals(remote.hash, state.hash)) return
    const shared = events[remote.seq]
    const isShared = shared !== undefined && b4a.equals(decodeEvent(shared).hash, remote.hash)
    for (let next = isShared ? remote.seq + 1 : 0; next < events.length;) {
      const { message, next: after } = encodeEvents(next, events)
      peer.channel?.sendEvents(message)
      next = after
    }
    peer.channel?.sendReceipt(createReceipt(state, this.#device, this.#now()))
    peer.remote = { ...remote, seq: state.seq, hash: state.hash }
  }

  #enqueue(peer: Peer, bytes: Uint8Array): void {
    peer.waitingBytes += bytes.length
    if (peer.waitingBytes > MAX_WAITING_BYTES)
      return this.#refuse(peer, refusal('KEY_ROTATION_TOO_LARGE', 'more came than can be taken in'))
    peer.turn = peer.turn
      .then(() => this.#onevents(peer, bytes))
      .catch((error: unknown) => this.#refuse(peer, error))
      .finally(() => {
        peer.waitingBytes -= bytes.length
      })
  }

  async #onevents(peer: Peer, bytes: Uint8Array): Promise<void> {
    if (peer.remote === null || !this.#peers.has(peer)) return
    const { from, events } = decodeEvents(bytes)
    if (events.length === 0) throw refusal('KEY_ROTATION_OUT_OF_ORDER', 'events do not follow')
    try {
      const isNew = await this.#memory.receive(events, from)
      if (isNew) this.refresh()
      const { state } = this.#memory
      if (state.seq >= peer.remote.seq)
        peer.channel?.sendReceipt(createReceipt(state, this.#device, this.#now()))
      if (!peer.isKnown) this.#weigh(peer)
    } catch (error) {
      const code = error instanceof KeyRotationError ? error.code : null
      const { duplicity } = this.#memory
      if (code === 'KEY_ROTATION_FORKED' && duplicity !== null) this.#options.onduplicity?.(duplicity)
      // It is no fault of who brings them: what came before has been taken in.
      else if (code === 'KEY_ROTATION_RECOVERY_TOO_EARLY') this.refresh()
      else throw error
    }
  }

  #onreceipt(peer: Peer, bytes: Uint8Array): void {
    try {
      const { witness, seq, identity, hash } = readReceipt(bytes)
      const isOwn = peer.remote !== null && b4a.equals(witness, peer.remote.device)
      if (!isOwn || !b4a.equals(identity, this.#memory.state.identity)) return
      const known = this.#receipts.get(hex(witness))
      if (peer.isKnown && (known === undefined || known.seq <= seq))
        this.#receipts.set(hex(witness), { seq, bytes })
      if (peer.remote !== null && seq > peer.remote.seq) peer.remote = { ...peer.remote, seq, hash }
    } catch (error) {
      this.#refuse(peer, error)
    }
  }

  #refuse(peer: Peer, cause: unknown): void {
    const error =
      cause instanceof KeyRotationError
        ? cause
        : closed('what the other side sent could not be kept', { cause })
    if (!this.#peers.delete(peer)) return
    clearTimeout(peer.expiry)
    this.#options.onrefused?.({
      connection: peer.connection,
      device: peer.remote?.device ?? null,
      code: error.code
    })
    peer.settle(null, error)
    peer.connection.destroy()
  }

  #forget(peer: Peer): void {
    if (!this.#peers.delete(peer)) return
    clearTimeout(peer.expiry)
    peer.settle(null, null)
  }
}

function refusal(code: KeyRotationErrorCode, message: string): KeyRotationError {
  return new KeyRotationError(code, message)
}

function closed(message: string, options?: { cause: unknown }): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_CLOSED', message, options)
}
