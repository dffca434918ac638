import b4a from 'b4a'
import { RelayError } from '../errors.ts'
import { nameOf } from '../keys.ts'
import type { ControlMessage } from '../protocol/control.ts'
import { eachBody, MAX_DATA_BYTES } from '../protocol/frames.ts'
import type { Refusal } from '../protocol/refusal.ts'
import type { LastBeat } from '../replicas/heartbeat.ts'
import type { Wire } from '../wires/wire.ts'
import type { Path, PathEvents } from './path.ts'
import { RelayChannel, type RelayChannelOptions } from './relay-channel.ts'

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
  /** The relay has missed three beats of a replica since this one: it may be dead. */
  onmissing?(last: LastBeat): void
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
  readonly #wire: Wire
  readonly #channel: RelayChannel
  readonly #events: RelayLinkEvents
  /** Messages that came between the joining and `start`. */
  readonly #early: Uint8Array[] = []
  #path: PathEvents | null = null
  /** What was asked of the relay: each answer is to one of these. */
  #asked: 'register' | 'watch' | 'open' | null = null
  #keepAliveMs = 0
  #joined = false
  #drains = false
  #earlyBytes = 0
  #origin = ''
  #error: RelayError | null = null
  #closed = false

  /** @throws RELAY_BAD_ARGUMENT for a relay's key that is none; the wire is gone then */
  constructor(wire: Wire, options: RelayChannelOptions, events: RelayLinkEvents) {
    this.relay = options.relay
    this.#wire = wire
    this.#events = events
    this.#channel = new RelayChannel(wire, options, {
      onwelcome: () => events.onwelcome(),
      oncontrol: (message) => this.#oncontrol(message),
      ondata: (run) => this.#ondata(run),
      ondrain: () => this.#path?.ondrain(),
      onclose: (...ended) => this.#onclose(...ended)
    })
  }

  /** How the relay is reached, once it has answered. */
  get transport(): 'tcp' | 'ws' {
    return this.#wire.kind
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
    this.#keepAliveMs = keepAliveMs
    this.#channel.say({ type: 'register', keepAliveMs, setSeq, insists })
  }

  /** Asks for the beats of this replica and those it knows, and no more. Once welcome. */
  watch(keepAliveMs: number, setSeq: number): void {
    this.#asked = 'watch'
    this.#keepAliveMs = keepAliveMs
    this.#channel.say({ type: 'watch', keepAliveMs, setSeq })
  }

  /** Says the newest replica set. Once watching. */
  tellSet(record: Uint8Array): void {
    this.#channel.say({ type: 'set', record })
  }

  /** Leaves this device's own record for those who look it up. Once registered. */
  publish(record: Uint8Array): void {
    this.#channel.say({ type: 'publish', record })
  }

  /** Asks for the record of a device; `onfound` follows. Once registered, or watching. */
  lookup(target: Uint8Array): void {
    this.#channel.say({ type: 'lookup', target })
  }

  /** Asks for a path to a registered device. Once welcome. */
  open(target: Uint8Array): void {
    this.#asked = 'open'
    this.#channel.say({ type: 'open', target })
  }

  /**
   * Asks whether the relay is there. Once welcome.
   *
   * @param keepAliveMs - until the next one; 2.5 times as much without one ends a registration. @defaultValue as was said last
   */
  ping(keepAliveMs: number = this.#keepAliveMs): void {
    this.#keepAliveMs = keepAliveMs
    this.#channel.say({ type: 'ping', keepAliveMs })
  }

  start(events: PathEvents): void {
    this.#path = events
    for (const message of this.#early.splice(0)) events.onmessage(message)
    if (this.#drains) events.ondraining?.()
    if (this.#closed) events.onclose(this.#error)
  }

  send(parts: readonly Uint8Array[]): boolean {
    return this.#channel.carry(parts)
  }

  end(): void {
    this.#channel.end()
  }

  destroy(): void {
    this.#channel.destroy()
  }

  #oncontrol(message: ControlMessage): boolean {
    if (message.type === 'registered' && this.#asked === 'register') this.#events.onregistered?.()
    else if (message.type === 'pong') this.#events.onpong?.()
    else if (message.type === 'gone') this.#channel.end()
    else if (message.type === 'draining') this.#ondraining()
    else if (message.type === 'beat') this.#events.onbeat?.(message.record)
    else if (message.type === 'set') this.#events.onset?.(message.record)
    else if (message.type === 'missing') this.#events.onmissing?.(message)
    else if (message.type === 'found') this.#events.onfound?.(message.target, message.record)
    else return this.#onjoined(message)
    return true
  }

  #onjoined(message: ControlMessage): boolean {
    if (this.#joined) return false
    if (message.type === 'incoming' && this.#asked === 'register') {
      this.#joined = true
      this.#origin = nameOf(message.from)
      this.#events.onincoming?.(message.from)
    } else if (message.type === 'opened' && this.#asked === 'open') {
      this.#joined = true
      this.#events.onopened?.()
    } else return false
    return true
  }

  #ondraining(): void {
    if (!this.#joined) this.#events.ondraining?.()
    else if (this.#path === null) this.#drains = true
    else this.#path.ondraining?.()
  }

  #ondata(run: readonly Uint8Array[]): boolean {
    if (!this.#joined) return false
    eachBody(run, (body) => {
      if (this.#path === null) this.#keep(body)
      else this.#path.onmessage(body)
    })
    return this.#earlyBytes <= MAX_EARLY_BYTES
  }

  #keep(body: Uint8Array): void {
    this.#earlyBytes += body.length
    if (this.#earlyBytes <= MAX_EARLY_BYTES) this.#early.push(b4a.from(body))
  }

  #onclose(cause: Error | null, error: RelayError | null, why: Refusal | null): void {
    this.#closed = true
    this.#error = error
    if (this.#joined) return this.#path?.onclose(error ?? cause)
    const known = error ?? (cause instanceof RelayError ? cause : null)
    this.#events.onclose(known ?? new RelayError('RELAY_UNREACHABLE', 'the relay has closed', { cause }), why)
  }
}
