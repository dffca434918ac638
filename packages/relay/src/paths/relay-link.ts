import b4a from 'b4a'
import type { KeyPair } from '../types.ts'
import { RelayError } from '../errors.ts'
import {
  type ControlMessage,
  decodeControl,
  decodeWelcome,
  encodeControl,
  encodeHello
} from '../protocol/control.ts'
import { eachBody, frame, FRAME, frameHeader, FrameReader, MAX_DATA_BYTES } from '../protocol/frames.ts'
import { ControlCipher, Handshake } from '../protocol/handshake.ts'
import { type Refusal, refusalError } from '../protocol/refusal.ts'
import type { Wire } from '../wires/wire.ts'
import type { Path, PathEvents } from './path.ts'

/** What a device shows to a relay. */
export interface RelayLinkOptions {
  keyPair: KeyPair
  /** The relay's public key. */
  relay: Uint8Array
  grant: Uint8Array | null
}

/** How a device registers. */
interface Standing {
  readonly insists?: boolean
  readonly setSeq?: number
}

/** Whoever has no replica set wants none: a seq that none is above. */
const NO_SET = Number.MAX_SAFE_INTEGER

/** Data that may come before somebody takes it; whoever has reached this device sends a greeting, and waits for the answer. */
const MAX_EARLY_BYTES = 2 * MAX_DATA_BYTES

/** What a {@link RelayLink} tells before it is a path. */
export interface RelayLinkEvents {
  /** The relay knows this device now. */
  onwelcome(): void
  onregistered?(): void
  onpong?(): void
  /** The relay goes down, and asks this device to register elsewhere. */
  ondraining?(): void
  /** How a replica is, in its own signed words. */
  onbeat?(record: Uint8Array): void
  /** A newer replica set. */
  onset?(record: Uint8Array): void
  /** What the relay has of a device that was looked up: its signed record, or nothing. */
  onfound?(target: Uint8Array, record: Uint8Array): void
  /** Somebody has reached this device: the link is a path to it from now on. */
  onincoming?(from: Uint8Array): void
  /** The target was reached: the link is a path to it from now on. */
  onopened?(): void
  /** Called once, for every way it can end before it is a path; `refusal` where the relay has said why. */
  onclose(error: RelayError, refusal: Refusal | null): void
}

/**
 * A connection to a relay: greets it, and becomes a path to another device.
 *
 * It owns the wire. The relay's word that it is connected to a device is no proof: that is the greeting on the path.
 */
export class RelayLink implements Path {
  readonly kind = 'relay'
  readonly relay: Uint8Array
  readonly transport: 'tcp' | 'ws'
  readonly #wire: Wire
  readonly #handshake: Handshake
  readonly #events: RelayLinkEvents
  readonly #reader: FrameReader
  /** Messages that came between the joining and `start`. */
  readonly #early: Uint8Array[] = []
  #cipher: ControlCipher | null = null
  #path: PathEvents | null = null
  /** What was asked of the relay: each answer is to one of these. */
  #asked: 'register' | 'watch' | 'open' | null = null
  #joined = false
  #earlyBytes = 0
  #origin = ''
  #refusal: Refusal | null = null
  #error: RelayError | null = null
  #closed = false

  constructor(wire: Wire, { keyPair, relay, grant }: RelayLinkOptions, events: RelayLinkEvents) {
    this.#wire = wire
    this.relay = relay
    this.transport = wire.kind
    this.#events = events
    this.#handshake = new Handshake('device to relay', keyPair, relay)
    const hello = this.#hello(grant)
    this.#reader = new FrameReader({
      onframe: (type, body) => this.#onframe(type, body),
      ondata: (run) => this.#ondata(run),
      oninvalid: () => this.#fail()
    })
    wire.start({
      onbytes: (chunk) => this.#reader.push(chunk),
      ondrain: () => this.#path?.ondrain(),
      onclose: (error) => this.#onclose(error)
    })
    wire.write(frame(FRAME.HELLO, hello))
  }

  /** @throws RELAY_BAD_ARGUMENT for a relay's key that is none; the wire is gone then */
  #hello(grant: Uint8Array | null): Uint8Array {
    try {
      return this.#handshake.send(encodeHello(grant))
    } catch (error) {
      this.#wire.start({ onbytes: () => {}, ondrain: () => {}, onclose: () => {} })
      this.#wire.destroy()
      throw error
    }
  }

  get origin(): string {
    return this.#origin
  }

  /**
   * Asks to be reachable here. Once welcome.
   *
   * @param insists - it has followed redirects enough, and is served here or refused
   * @param setSeq - of the newest replica set it has; a newer one follows
   */
  register(keepAliveMs: number, { insists = false, setSeq = NO_SET }: Standing = {}): void {
    this.#asked = 'register'
    this.#say({ type: 'register', keepAliveMs, setSeq, insists })
  }

  /** Asks for the beats of this replica and those it knows, and no more. Once welcome. */
  watch(keepAliveMs: number, setSeq: number): void {
    this.#asked = 'watch'
    this.#say({ type: 'watch', keepAliveMs, setSeq })
  }

  /** Leaves this device's own record for those who look it up. Once registered. */
  publish(record: Uint8Array): void {
    this.#say({ type: 'publish', record })
  }

  /** Asks for the record of a device; `onfound` follows. Once registered, or watching. */
  lookup(target: Uint8Array): void {
    this.#say({ type: 'lookup', target })
  }

  /** Asks for a path to a registered device. Once welcome. */
  open(target: Uint8Array): void {
    this.#asked = 'open'
    this.#say({ type: 'open', target })
  }

  /** Asks whether the relay is there. */
  ping(): void {
    this.#say({ type: 'ping' })
  }

  start(events: PathEvents): void {
    this.#path = events
    for (const message of this.#early.splice(0)) events.onmessage(message)
    if (this.#closed) events.onclose(this.#error)
  }

  send(parts: readonly Uint8Array[]): boolean {
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    return this.#wire.write(frameHeader(FRAME.DATA, length), ...parts)
  }

  end(): void {
    this.#wire.end()
  }

  destroy(): void {
    this.#wire.destroy()
  }

  #onframe(type: number, body: Uint8Array): void {
    if (type === FRAME.WELCOME && this.#cipher === null) return this.#onwelcome(body)
    const message = type === FRAME.CONTROL ? (this.#cipher?.open(body) ?? null) : null
    const control = message === null ? null : decodeControl(message)
    if (control === null) return this.#fail()
    this.#oncontrol(control)
  }

  #onwelcome(body: Uint8Array): void {
    const payload = this.#handshake.receive(body)
    const secrets = this.#handshake.secrets()
    const welcome = payload === null ? null : decodeWelcome(payload)
    if (welcome === null || secrets === null) return this.#fail()
    if (welcome !== 'welcome') return this.#onrefused(welcome)
    this.#cipher = new ControlCipher(secrets)
    this.#events.onwelcome()
  }

  #oncontrol(message: ControlMessage): void {
    if (message.type === 'registered' && this.#asked === 'register') this.#events.onregistered?.()
    else if (message.type === 'pong') this.#events.onpong?.()
    else if (message.type === 'refused') this.#onrefused(message.refusal)
    else if (message.type === 'gone') this.#wire.end()
    else if (message.type === 'draining') this.#ondraining()
    else if (message.type === 'beat') this.#events.onbeat?.(message.record)
    else if (message.type === 'set') this.#events.onset?.(message.record)
    else if (message.type === 'found') this.#events.onfound?.(message.target, message.record)
    else if (this.#joined) this.#fail()
    else if (message.type === 'incoming' && this.#asked === 'register') {
      this.#joined = true
      this.#origin = b4a.toString(message.from, 'hex')
      this.#events.onincoming?.(message.from)
    } else if (message.type === 'opened' && this.#asked === 'open') {
      this.#joined = true
      this.#events.onopened?.()
    } else this.#fail()
  }

  #ondraining(): void {
    if (this.#joined) this.#path?.ondraining?.()
    else this.#events.ondraining?.()
  }

  #ondata(run: Uint8Array): void {
    if (!this.#joined) return this.#fail()
    eachBody(run, (body) => {
      if (this.#path === null) this.#keep(body)
      else this.#path.onmessage(body)
    })
  }

  #keep(body: Uint8Array): void {
    this.#earlyBytes += body.length
    if (this.#earlyBytes > MAX_EARLY_BYTES) return this.#fail()
    this.#early.push(b4a.from(body))
  }

  #onrefused(why: Refusal): void {
    this.#refusal = why
    this.#error = refusalError(why)
    this.#wire.end()
  }

  #fail(): void {
    this.#reader.stop()
    this.#error ??= new RelayError('RELAY_PROTOCOL', 'the relay does not follow the protocol')
    this.#wire.destroy()
  }

  #say(message: ControlMessage): void {
    const sealed = this.#cipher?.seal(encodeControl(message))
    if (sealed !== undefined) this.#wire.write(frame(FRAME.CONTROL, sealed))
  }

  #onclose(cause: Error | null): void {
    this.#closed = true
    if (this.#joined) return this.#path?.onclose(this.#error ?? cause)
    const known = this.#error ?? (cause instanceof RelayError ? cause : null)
    this.#events.onclose(
      known ?? new RelayError('RELAY_UNREACHABLE', 'the relay has closed', { cause }),
      this.#refusal
    )
  }
}
