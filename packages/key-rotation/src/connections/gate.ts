import b4a from 'b4a'
import { KeyRotationError } from '../errors.ts'
import { createReceipt } from '../format/receipt.ts'
import type { IdentityMemory } from '../memory/identity-memory.ts'
import type { Duplicity } from '../memory/types.ts'
import type { Device } from '../state/state.ts'
import type { KeyPair } from '../types.ts'
import type { Callbacks } from './callbacks.ts'
import type { ConnectionLike } from './connection.ts'
import { deviceOrFault, isTheirs } from './faults.ts'
import type { Hello } from './messages.ts'
import type { Peer } from './peer.ts'

/** The longest that engines wait, in ms: a device that expires later is looked at again by then. */
const MAX_TIMER_MS: number = 2 ** 31 - 1
/** After so long a recovery that has to wait is weighed again: an hour, in ms. Its policy counts in days. */
const RETRY_MS: number = 3600 * 1000
/** After so long what could not be kept is tried again: a minute, in ms. */
const STORE_RETRY_MS: number = 60 * 1000

export interface GateOptions {
  readonly memory: IdentityMemory
  /** This device's. */
  readonly device: KeyPair
  readonly now: () => number
  readonly callbacks: Callbacks
}

/** Lets peers in, has what they tell weighed, and closes those that may not stay. */
export class Gate {
  readonly #memory: IdentityMemory
  readonly #device: KeyPair
  readonly #now: () => number
  readonly #callbacks: Callbacks
  readonly #peers = new Set<Peer>()
  /** By what all were weighed last. */
  #weighed: Weighed
  #storeTimer: unknown = null

  constructor({ memory, device, now, callbacks }: GateOptions) {
    this.#memory = memory
    this.#device = device
    this.#now = now
    this.#callbacks = callbacks
    this.#weighed = weighedBy(memory)
  }

  isAsked(connection: ConnectionLike): boolean {
    return [...this.#peers].some((peer) => peer.connection === connection)
  }

  add(peer: Peer): void {
    this.#peers.add(peer)
  }

  /** Everybody, by what the memory has now. */
  refresh(): void {
    for (const peer of this.#peers) {
      if (peer.hello !== null) this.weigh(peer)
      this.#weighAgain(peer)
    }
    this.#callbacks.show()
    this.#keepLater()
  }

  /** By what is known now: lets it in, and tells it what it does not have; asks it for more; or closes it. */
  weigh(peer: Peer): void {
    const { state } = this.#memory
    const { hello } = peer
    if (hello === null || !this.#peers.has(peer)) return
    const device = this.#deviceOf(hello)
    if (device instanceof KeyRotationError) {
      // It may have been let in by events that it has, and this device has not; or be revoked only in a thief's history, which is the one that is here.
      if (peer.isKnown || peer.hasTold || peer.knowsNoMore(hello)) return this.refuse(peer, device)
      if (hello.seq <= state.seq) peer.ask()
      return
    }
    this.#lookAgain(peer, device)
    peer.isKnown = true
    peer.settle(device, null)
    if (peer.tell()) this.#sendReceipt(peer)
  }

  /** Those that were let in, and may not stay by what is known, also where it is not kept yet. */
  closeRefused(): void {
    for (const peer of this.#peers) {
      const device = peer.isKnown && peer.hello !== null ? this.#deviceOf(peer.hello) : null
      if (device instanceof KeyRotationError) this.refuse(peer, device)
    }
  }

  inTurn(peer: Peer, bytes: number, run: () => Promise<void>): void {
    peer.turn.take(bytes, run, (error) => {
      if (isTheirs(error)) this.refuse(peer, error)
      else this.#callbacks.failed(error)
    })
  }

  /** It tells events. */
  async hear(peer: Peer, bytes: Uint8Array): Promise<void> {
    if (peer.hello === null || !this.#peers.has(peer)) return
    const { part, isReady } = peer.hear(bytes)
    if (!isReady) return
    if (part === 'last') peer.hasTold = true
    await this.#weighHeard(peer)
    if (part === 'last') this.#sendReceipt(peer)
  }

  refuse(peer: Peer, error: KeyRotationError): void {
    if (!this.forget(peer, error)) return
    const { connection, hello } = peer
    connection.destroy()
    this.#callbacks.refused({ connection, device: hello?.device ?? null, code: error.code })
  }

  /** It is gone. @returns whether it was here */
  forget(peer: Peer, error: KeyRotationError | null): boolean {
    if (!this.#peers.delete(peer)) return false
    clearTimeout(peer.timer)
    peer.settle(null, error)
    return true
  }

  /** When it expires, and from time to time while it has told what has to wait. */
  #lookAgain(peer: Peer, { expires }: Device): void {
    clearTimeout(peer.timer)
    const leftMs = expires === null ? Infinity : expires - this.#now()
    const waitMs = Math.min(leftMs, peer.hasMore ? RETRY_MS : Infinity)
    if (waitMs === Infinity) return
    peer.timer = setTimeout(
      () => {
        this.weigh(peer)
        this.#weighAgain(peer)
      },
      Math.min(waitMs, MAX_TIMER_MS)
    )
  }

  /** What had to wait. */
  #weighAgain(peer: Peer): void {
    if (!peer.hasMore) return
    this.inTurn(peer, 0, async () => {
      await this.#weighHeard(peer, true)
      if (!peer.hasMore) this.#sendReceipt(peer)
    })
  }

  async #weighHeard(peer: Peer, isAgain = false): Promise<void> {
    if (!this.#peers.has(peer)) return
    const ontaken = (): void => this.closeRefused()
    try {
      await peer.weighHeard(this.#now(), ontaken)
      if (isAgain) await peer.weighWaiting(this.#now(), ontaken)
    } finally {
      const before = this.#weighed
      this.#weighed = weighedBy(this.#memory)
      const isNew = !isSame(before, this.#weighed)
      if (isNew) for (const other of this.#peers) this.weigh(other)
      else this.weigh(peer)
      this.#callbacks.show()
      this.#keepLater()
    }
  }

  /** What was taken in, and could not be kept, is tried again, whether or not who told it is still there. */
  #keepLater(): void {
    if (this.#storeTimer !== null || this.#memory.isKept) return
    const timer: unknown = setTimeout(() => {
      this.#memory
        .receive(this.#memory.events)
        .catch((error: unknown) => this.#callbacks.failed(error))
        .finally(() => {
          this.#storeTimer = null
          this.refresh()
        })
    }, STORE_RETRY_MS)
    this.#storeTimer = timer
    // Where nobody is connected any more, this alone keeps no process running.
    ;(timer as { unref?: () => void }).unref?.()
  }

  #deviceOf({ device }: Hello): Device | KeyRotationError {
    return deviceOrFault(this.#memory.latest, device, this.#now())
  }

  #sendReceipt(peer: Peer): void {
    if (this.#peers.has(peer))
      peer.channel?.sendReceipt(createReceipt(this.#memory.state, this.#device, this.#now()))
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
