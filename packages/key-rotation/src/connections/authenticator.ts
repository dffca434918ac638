import b4a from 'b4a'
import { checkCount, checkedClock, checkKeyPair, checkOptions } from '../arguments.ts'
import { KeyRotationError, type KeyRotationErrorCode } from '../errors.ts'
import { createReceipt, readReceipt } from '../format/receipt.ts'
import type { IdentityMemory } from '../memory/identity-memory.ts'
import type { Duplicity } from '../memory/types.ts'
import { type Device, deviceOf, hex } from '../state/state.ts'
import type { KeyPair } from '../types.ts'
import { type ConnectionLike, openChannel } from './connection.ts'
import { channelId, decodeHello, encodeHello } from './messages.ts'
import { Peer } from './peer.ts'
import type { AuthenticatorOptions } from './types.ts'

/** The longest that engines wait, in ms: a device that expires later is looked at again by then. */
const MAX_TIMER_MS: number = 2 ** 31 - 1
/** After so long a recovery that has to wait is weighed again: an hour, in ms. Its policy counts in days. */
const RETRY_MS: number = 3600 * 1000

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
  /** What the callbacks were told last. */
  #shown: { hash: Uint8Array; duplicity: Duplicity | null }

  /** @throws KEY_ROTATION_BAD_ARGUMENT */
  constructor(memory: IdentityMemory, device: KeyPair, options: AuthenticatorOptions = {}) {
    checkKeyPair(device)
    checkOptions(options, ['now', 'patienceMs', 'onstate', 'onduplicity', 'onrefused', 'onerror'])
    checkCount(options.patienceMs ?? 0, '`patienceMs`')
    this.#memory = memory
    this.#device = device
    this.#options = options
    this.#now = checkedClock(options.now)
    this.#shown = { hash: memory.state.hash, duplicity: memory.duplicity }
  }

  /** What other devices say they have seen, the newest of each: for `verify`. */
  get receipts(): readonly Uint8Array[] {
    return [...this.#receipts.values()].map(({ bytes }) => bytes)
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
      const timer = setTimeout(
        () => this.#refuse(peer, closed('nothing was said')),
        this.#options.patienceMs ?? 10_000
      )
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
   * Keeps events, mostly this device's own, and tells the connected devices. What they revoke is closed here before this resolves or throws, and there as
   * soon as they have heard.
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
      if (peer.hasMore) this.#inTurn(peer, 0, () => this.#weighHeard(peer))
    }
    this.#show()
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
    const { state } = this.#memory
    const { hello } = peer
    if (hello === null || !this.#peers.has(peer)) return
    const device = deviceOf(state, hello.device)
    const fault = this.#faultOf(device)
    if (device === null || fault !== null) {
      // It may have been let in by events that it has, and this device has not; or be revoked only in a thief's history, which is the one that is here.
      if (peer.isKnown || peer.hasTold || peer.knowsNoMore(hello)) return this.#refuse(peer, fault)
      if (hello.seq <= state.seq) peer.ask()
      return
    }
    this.#lookAgain(peer, device)
    peer.isKnown = true
    peer.settle(device, null)
    if (peer.tell()) this.#sendReceipt(peer)
  }

  #faultOf(device: Device | null): KeyRotationError | null {
    if (device === null) return refusal('KEY_ROTATION_DEVICE_UNKNOWN', 'it was never added')
    const { name, revoked, expires } = device
    if (revoked !== null) return refusal('KEY_ROTATION_DEVICE_REVOKED', `${name} is revoked`)
    if (expires === null || this.#now() < expires) return null
    return refusal('KEY_ROTATION_DEVICE_EXPIRED', `${name} has expired`)
  }

  /** When it expires, and from time to time while it has told of a recovery that has to wait. */
  #lookAgain(peer: Peer, { expires }: Device): void {
    clearTimeout(peer.timer)
    const leftMs = expires === null ? Infinity : expires - this.#now()
    const waitMs = Math.min(leftMs, peer.hasMore ? RETRY_MS : Infinity)
    if (waitMs === Infinity) return
    peer.timer = setTimeout(
      () => {
        this.#weigh(peer)
        if (peer.hasMore) this.#inTurn(peer, 0, () => this.#weighHeard(peer))
      },
      Math.min(waitMs, MAX_TIMER_MS)
    )
  }

  #inTurn(peer: Peer, bytes: number, run: () => Promise<void>): void {
    peer.inTurn(bytes, run, (error) => this.#refuse(peer, error))
  }

  async #onevents(peer: Peer, bytes: Uint8Array): Promise<void> {
    if (peer.hello === null || !this.#peers.has(peer)) return
    const { part, isReady } = peer.hear(bytes)
    if (!isReady) return
    if (part === 'last') peer.hasTold = true
    await this.#weighHeard(peer)
    if (part === 'last') this.#sendReceipt(peer)
  }

  async #weighHeard(peer: Peer): Promise<void> {
    if (!this.#peers.has(peer)) return
    try {
      await peer.weighHeard()
    } finally {
      const { state, duplicity } = this.#memory
      const isNew = !b4a.equals(state.hash, this.#shown.hash) || duplicity !== this.#shown.duplicity
      if (isNew) for (const other of this.#peers) this.#weigh(other)
      else this.#weigh(peer)
      this.#show()
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
      const known = this.#receipts.get(hex(witness))
      if (peer.isKnown && (known === undefined || known.seq <= seq))
        this.#receipts.set(hex(witness), { seq, bytes })
      peer.hears({ seq, hash })
    } catch (error) {
      this.#refuse(peer, error)
    }
  }

  /** Tells the app what it has not been told: last, since what it does may fail. */
  #show(): void {
    const { state, duplicity } = this.#memory
    const before = this.#shown
    this.#shown = { hash: state.hash, duplicity }
    if (!b4a.equals(state.hash, before.hash)) this.#call(() => this.#options.onstate?.(state))
    if (duplicity !== null && duplicity !== before.duplicity)
      this.#call(() => this.#options.onduplicity?.(duplicity))
  }

  #refuse(peer: Peer, cause: unknown): void {
    const error =
      cause instanceof KeyRotationError
        ? cause
        : closed('what the other side sent could not be kept', { cause })
    if (!this.#forget(peer, error)) return
    const { connection, hello } = peer
    connection.destroy()
    this.#call(() =>
      this.#options.onrefused?.({ connection, device: hello?.device ?? null, code: error.code })
    )
  }

  /** @returns whether it was known */
  #forget(peer: Peer, error: KeyRotationError | null): boolean {
    if (!this.#peers.delete(peer)) return false
    clearTimeout(peer.timer)
    peer.settle(null, error)
    return true
  }

  #call(run: () => void): void {
    try {
      run()
    } catch (error) {
      const { onerror = throwLater } = this.#options
      onerror(error)
    }
  }
}

function throwLater(error: unknown): void {
  setTimeout(() => {
    throw error
  }, 0)
}

function refusal(code: KeyRotationErrorCode, message: string): KeyRotationError {
  return new KeyRotationError(code, message)
}

function closed(message: string, options?: { cause: unknown }): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_CLOSED', message, options)
}
