import type { KeyPair } from '../types.ts'
import { SCOPE } from '../policy/grant.ts'
import type { Lease } from '../policy/lease.ts'
import type { RelayPolicy } from '../policy/relay-policy.ts'
import { type ControlMessage, decodeControl, encodeControl } from '../protocol/control.ts'
import { frame, FRAME, FrameReader } from '../protocol/frames.ts'
import type { ControlCipher } from '../protocol/handshake.ts'
import { type Refusal, refusal, type RefusalCode } from '../protocol/refusal.ts'
import { MOST_UNREAD_BYTES, type Wire } from '../wires/wire.ts'
import { greetDevice } from './device-greeting.ts'
import type { Splice } from './splice.ts'

/** What a connection does at the moment. */
export type Role = 'greeting' | 'welcomed' | 'parked' | 'watching' | 'opening' | 'spliced' | 'closed'

/** What is said of device records. */
export type RecordMessage = Extract<ControlMessage, { type: 'publish' | 'lookup' }>

type Standing = Extract<ControlMessage, { type: 'register' | 'watch' }>

/** What a connection asks of its server. */
export interface ConnectionHost {
  readonly keyPair: KeyPair
  readonly policy: RelayPolicy
  readonly now: () => number
  /** How long the first wish after a greeting may take, and leaving. */
  readonly greetingMs: number
  /** Whether somebody who has proven nothing yet is greeted now. */
  mayGreet(connection: DeviceConnection): boolean
  /** A device that is served, and has proven its key, has shown a grant. */
  onshown(device: Uint8Array, grant: Uint8Array): void
  /** Why it cannot have its first wish here now; `null` when it can. */
  closedTo(device: Uint8Array, wish: ControlMessage): Refusal | null
  /** The device wishes to be reachable. */
  park(connection: DeviceConnection): void
  /** It wishes to hear how the replicas are. */
  watch(connection: DeviceConnection): void
  /** It has shown that it is there, and listens. */
  onping(connection: DeviceConnection): void
  /** Another replica has said which set is the newest. */
  onset(connection: DeviceConnection, record: Uint8Array): void
  /** It leaves its record, or asks for one of another device. */
  onrecord(connection: DeviceConnection, message: RecordMessage): void
  /** It wishes to reach another one. */
  open(connection: DeviceConnection, target: Uint8Array): void
  /** It has proven its key. */
  onproven(connection: DeviceConnection): void
  /** And is served. */
  onknown(connection: DeviceConnection): void
  onrefused(why: Refusal, connection: DeviceConnection): void
  /** It is reached no more, and reaches nobody: it will close. */
  onleft(connection: DeviceConnection): void
  onclosed(connection: DeviceConnection): void
}

const KEEP_ALIVE_MS = { least: 1_000, most: 3_600_000 }

/** One connection of a device to the relay, from its first byte on. It owns the wire. */
export class DeviceConnection {
  readonly wire: Wire
  /** Of the server's clock: silence ends it then. */
  deadline: number
  role: Role = 'greeting'
  /** Once it was admitted. */
  lease: Lease | null = null
  splice: Splice | null = null
  /** How it stood by before it was spliced, if it did. */
  #stood: 'parked' | 'watching' | null = null
  /** Of the newest replica set that the other side has. */
  setSeq = 0
  readonly #host: ConnectionHost
  readonly #reader: FrameReader
  #cipher: ControlCipher | null = null
  #keepAliveMs = 0
  #grant: Uint8Array = new Uint8Array(0)

  /** @param deadline - until when it has to say who it is */
  constructor(wire: Wire, deadline: number, host: ConnectionHost) {
    this.wire = wire
    this.#host = host
    this.deadline = deadline
    this.#reader = new FrameReader({
      onframe: (type, body) => this.#onframe(type, body),
      ondata: (frames) => this.#ondata(frames),
      oninvalid: () => this.#violate()
    })
    wire.start({
      onbytes: (chunk) => this.#reader.push(chunk),
      ondrain: () => this.splice?.drained(this),
      onclose: () => this.#onclose()
    })
  }

  /** Bytes that wait here: of an incomplete frame, of frames that a rate holds up, and of the socket. */
  get heldBytes(): number {
    return this.#reader.heldBytes + this.wire.backlogBytes + (this.splice?.heldBytes(this) ?? 0)
  }

  /** Whether it stands by, and is told how the replicas are. */
  get listens(): boolean {
    return this.role === 'parked' || this.role === 'watching'
  }

  /** Says something that only the device can read. */
  send(message: ControlMessage): void {
    const sealed = this.#cipher?.seal(encodeControl(message))
    if (sealed !== undefined) this.wire.write(frame(FRAME.CONTROL, sealed))
  }

  /**
   * Says something that was not asked for, unless too much is unread.
   *
   * @returns whether it was said
   */
  tell(message: ControlMessage): boolean {
    if (this.wire.backlogBytes > MOST_UNREAD_BYTES) return false
    this.send(message)
    return true
  }

  /** Ends it, and says why, where the device can be told. */
  refuse(why: Refusal): void {
    if (this.role === 'closed') return
    this.#host.onrefused(why, this)
    if (this.#cipher !== null) this.send({ type: 'refused', refusal: why })
    this.#finish()
  }

  /** Ends it because the other side of its splice is gone. */
  leave(): void {
    if (this.role === 'closed') return
    this.send({ type: 'gone' })
    this.#finish()
  }

  /** It was silent for too long. */
  expire(): void {
    this.refuse(refusal('RELAY_TIMEOUT'))
    this.wire.destroy()
  }

  /** From now on what it sends goes to the other side. */
  join(splice: Splice, idleMs: number): void {
    this.role = 'spliced'
    this.splice = splice
    this.#keepAliveMs = idleMs
    this.#touch()
    this.lease?.free('pairings')
  }

  #onframe(type: number, body: Uint8Array): void {
    if (this.role === 'closed') return
    if (type === FRAME.HELLO && this.role === 'greeting') return this.#onhello(body)
    const message = type === FRAME.CONTROL ? (this.#cipher?.open(body) ?? null) : null
    const control = message === null ? null : decodeControl(message)
    if (control === null) return this.#violate()
    if (control.type === 'ping' && this.role !== 'welcomed') {
      if (this.wire.backlogBytes > MOST_UNREAD_BYTES) return
      if (this.listens) this.#expectWithin(control.keepAliveMs)
      this.#touch()
      this.send({ type: 'pong' })
      if (this.listens) this.#host.onping(this)
    } else if (this.#mayCrossSplicing(control)) {
      if (this.wire.backlogBytes <= MOST_UNREAD_BYTES) this.#host.onrecord(this, control)
    } else if (control.type === 'set' && this.role === 'watching') {
      this.#host.onset(this, control.record)
    } else if (this.role !== 'welcomed') this.#violate()
    else if (this.#prove(control)) this.#onwish(control)
  }

  /** Who is registered says it, and may not have heard yet that somebody has reached it. */
  #mayCrossSplicing(control: ControlMessage): control is RecordMessage {
    const may = control.type === 'publish' ? this.#stood === 'parked' : this.#stood !== null
    const isRecord = control.type === 'publish' || control.type === 'lookup'
    return isRecord && may && (this.listens || this.role === 'spliced')
  }

  #onwish(control: ControlMessage): void {
    if (control.type === 'register') this.#onregister(control)
    else if (control.type === 'watch') this.#onwatch(control)
    else if (control.type === 'open') this.#onopen(control.target)
    else this.#violate()
  }

  #onhello(body: Uint8Array): void {
    if (!this.#host.mayGreet(this)) return this.#violate('RELAY_TOO_MANY')
    const greeting = greetDevice(body, this.#host.keyPair, this.#host.policy)
    if (greeting === null) return this.#violate()
    this.wire.write(frame(FRAME.WELCOME, greeting.answer))
    if (greeting.refused !== null) {
      this.#host.onrefused(greeting.refused, this)
      return this.#finish()
    }
    const { lease, grant, cipher } = greeting
    this.lease = lease
    lease.onend = (why) => this.refuse(why)
    this.#grant = grant
    this.#cipher = cipher
    this.role = 'welcomed'
    this.deadline = this.#host.now() + this.#host.greetingMs
  }

  /** The first sealed message: a HELLO alone may be one that somebody repeats, and must not take a place of the device. */
  #prove(wish: ControlMessage): boolean {
    const { lease } = this
    if (lease === null) return false
    this.#host.onproven(this)
    const refused = this.#host.closedTo(lease.device, wish) ?? lease.hold('connections')
    if (refused !== null) {
      this.refuse(refused)
      return false
    }
    if (this.#grant.length > 0) this.#host.onshown(lease.device, this.#grant)
    this.#host.onknown(this)
    return true
  }

  #onregister(wish: Standing): void {
    if (!this.#may(SCOPE.REGISTER)) return
    this.#stand('parked', wish)
    this.send({ type: 'registered' })
    this.#host.park(this)
  }

  #onwatch(wish: Standing): void {
    this.#stand('watching', wish)
    this.#host.watch(this)
  }

  #stand(role: 'parked' | 'watching', { keepAliveMs, setSeq }: Standing): void {
    this.setSeq = setSeq
    this.#expectWithin(keepAliveMs)
    this.role = role
    this.#stood = role
    this.#touch()
  }

  #expectWithin(keepAliveMs: number): void {
    this.#keepAliveMs = 2.5 * Math.min(Math.max(keepAliveMs, KEEP_ALIVE_MS.least), KEEP_ALIVE_MS.most)
  }

  #onopen(target: Uint8Array): void {
    if (!this.#may(SCOPE.OPEN)) return
    const refused = this.lease?.hold('pairings') ?? null
    if (refused !== null) return this.refuse(refused)
    this.role = 'opening'
    this.#host.open(this, target)
  }

  #may(scope: number): boolean {
    if (((this.lease?.scopes ?? 0) & scope) !== 0) return true
    this.refuse(refusal('RELAY_NO_SCOPE'))
    return false
  }

  #ondata(frames: readonly Uint8Array[]): void {
    if (this.role !== 'spliced') return this.#violate()
    this.#touch()
    this.splice?.forward(this, frames)
  }

  #touch(): void {
    if (this.#keepAliveMs > 0) this.deadline = this.#host.now() + this.#keepAliveMs
  }

  #violate(code: RefusalCode = 'RELAY_PROTOCOL'): void {
    if (this.role === 'closed') return
    this.refuse(refusal(code))
    this.#reader.stop()
  }

  /** What was written still goes out; nothing more is taken in, and the other side of a splice is told. */
  #finish(): void {
    this.#leaveRole()
    this.deadline = this.#host.now() + this.#host.greetingMs
    this.#reader.stop()
    this.wire.resume()
    this.wire.end()
  }

  #onclose(): void {
    this.#leaveRole()
    // Until now it took a place of its device: one that is refused and stays is one all the same.
    this.lease?.end()
    this.#host.onclosed(this)
  }

  #leaveRole(): void {
    this.role = 'closed'
    this.#host.onleft(this)
    this.lease?.free('pairings')
    this.splice?.end(this)
  }
}
