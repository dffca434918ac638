import type { KeyPair } from '../types.ts'
import { RelayError } from '../errors.ts'
import { monotonic } from '../monotonic.ts'
import type { Refusal } from '../protocol/refusal.ts'
import { RelayLink } from '../paths/relay-link.ts'
import type { Path } from '../paths/path.ts'
import { dialRelayWire } from '../addresses/dial-relay-wire.ts'
import { KeepAlive } from './keep-alive.ts'
import { grantNow, type RelayAddress } from '../addresses/relay-address.ts'
import type { LastBeat } from '../replicas/heartbeat.ts'
import type { ClientTimes } from './options.ts'

/** What a registration tells its client. */
export interface RegistrationEvents {
  onregistered(): void
  /** Unless it is closed now, it registers again by itself. @param refusal - where the relay has said why */
  onunregistered(error: RelayError, refusal: Refusal | null): void
  /** The relay goes down, and asks this device to register elsewhere first. */
  ondraining?(): void
  /** How a replica is, in its own signed words. */
  onbeat?(record: Uint8Array): void
  /** A newer replica set, unchecked. */
  onset?(record: Uint8Array): void
  /** The relay has missed three beats of another replica since this one: it may be dead. */
  onmissing?(last: LastBeat): void
  /** The relay was asked whether it is there, and is. */
  onpong?(): void
  /** What the relay has of a device that was looked up; nothing where it has nothing. */
  onfound?(target: Uint8Array, record: Uint8Array): void
  /** Somebody has reached this device through the relay. */
  onincoming(path: Path): void
}

/** Visitors whose greeting is still open, or came to nothing, before this device takes its time to register anew. */
const CREDIT = 8
/** What a {@link Registration} asks of a replica. */
interface RegistrationOptions {
  /** Where else the same relay is: each is dialled in its turn, where the one before does not lead there. */
  readonly others?: readonly RelayAddress[]
  /** It has followed redirects enough, and is served here or refused. */
  readonly insists?: boolean
  /** Of the newest replica set it has. */
  readonly setSeq?: () => number
}

/** Longest pause between attempts, as a multiple of the first. */
const MOST_RETRIES = 60
/** A relay can ask for so long a pause, and not for more: timers overflow after 24 days. */
const MOST_PAUSE_MS = 3_600_000

/** Keeps this device reachable at one relay: a parked connection, another one when it was taken or is gone. */
export class Registration {
  /** The first one is dialled next, or was last. */
  readonly #addresses: RelayAddress[]
  readonly #keyPair: KeyPair
  readonly #times: ClientTimes
  readonly #events: RegistrationEvents
  readonly #keepAlive: KeepAlive
  readonly #options: RegistrationOptions
  #link: RelayLink | null = null
  #timer: unknown = null
  #retryMs: number
  #registered = false
  #asked = false
  /** When the ping that is under way is taken for lost. */
  #answerBy = 0
  /** A visitor costs one; all come back when one has proven itself, and when nobody came for a while. */
  #credit = CREDIT
  /** It has none left, and waits before it registers again. */
  #rests = false
  #closed = false

  constructor(
    address: RelayAddress,
    keyPair: KeyPair,
    times: ClientTimes,
    events: RegistrationEvents,
    options: RegistrationOptions = {}
  ) {
    this.#options = options
    this.#addresses = [address, ...(options.others ?? [])]
    this.#keyPair = keyPair
    this.#times = times
    this.#events = events
    this.#keepAlive = new KeepAlive({ first: times.keepAliveMs, most: times.maxKeepAliveMs })
    this.#retryMs = times.retryMs
    this.#dial()
  }

  get address(): RelayAddress {
    return this.#addresses[0] as RelayAddress
  }

  /** Whether the relay has this device parked now, as far as is known. */
  get registered(): boolean {
    return this.#registered
  }

  /** Milliseconds between pings, at the moment. */
  get keepAliveMs(): number {
    return this.#keepAlive.intervalMs
  }

  /** Who came in here is one that this device talks to: the next may come at once. */
  proved(): void {
    this.#credit = CREDIT
    if (this.#rests && !this.#closed) this.#dial()
  }

  /** Leaves this device's record there. */
  publish(record: Uint8Array): void {
    if (this.#registered) this.#link?.publish(record)
  }

  /** Asks for a device's record; `onfound` follows, if the relay lives. */
  lookup(target: Uint8Array): void {
    if (this.#registered) this.#link?.lookup(target)
  }

  /** Asks now whether the relay is there, and registers anew unless it answers within `deadMs`. @returns whether it is registered, so that there is an answer */
  ask(): boolean {
    const { deadMs } = this.#times
    // Nothing is said of the interval: this ping has not waited for it.
    if (this.#registered && !this.#asked) this.#ping(deadMs, () => {})
    else if (this.#registered) this.#awaitPong(Math.min(deadMs, this.#answerBy - monotonic()), () => {})
    return this.#registered
  }

  /** The device may be on another network: the relay is asked whether it is there, and one that could not be reached is tried at once. */
  networkChanged(): void {
    this.#retryMs = this.#times.retryMs
    this.ask()
    if (this.#link === null && !this.#rests) this.#dial()
  }

  close(): void {
    this.#closed = true
    this.#wait(null, 0)
    this.#link?.destroy()
  }

  #dial(): void {
    const { publicKey: relay, grant } = this.address
    const link: RelayLink = new RelayLink(
      dialRelayWire(this.address),
      { keyPair: this.#keyPair, relay, grant: grantNow(grant) },
      {
        onwelcome: () => link.register(this.#keepAlive.intervalMs, this.#asks()),
        onregistered: () => this.#onregistered(),
        onpong: () => this.#onpong(),
        onincoming: () => this.#onincoming(link),
        ondraining: () => this.#events.ondraining?.(),
        onbeat: (record) => this.#events.onbeat?.(record),
        onset: (record) => this.#events.onset?.(record),
        onmissing: (last) => this.#events.onmissing?.(last),
        onfound: (target, record) => this.#events.onfound?.(target, record),
        onclose: (error, refusal) => this.#onclose(error, refusal)
      }
    )
    this.#link = link
    this.#asked = false
    this.#rests = false
    this.#wait(() => link.destroy(), this.#times.attemptMs)
  }

  #asks(): { readonly insists: boolean; readonly setSeq?: number } {
    const { insists = false, setSeq } = this.#options
    return { insists, ...(setSeq === undefined ? {} : { setSeq: setSeq() }) }
  }

  #onregistered(): void {
    this.#registered = true
    this.#pingLater()
    this.#events.onregistered()
  }

  #pingLater(): void {
    this.#wait(() => this.#ping(this.#times.pongMs, () => this.#keepAlive.lost()), this.#keepAlive.intervalMs)
  }

  #ping(patienceMs: number, onlost: () => void): void {
    this.#asked = true
    // A pong may make the interval half as long again, which is less than the relay waits.
    this.#link?.ping(this.#keepAlive.intervalMs)
    this.#awaitPong(patienceMs, onlost)
  }

  #awaitPong(patienceMs: number, onlost: () => void): void {
    this.#answerBy = monotonic() + patienceMs
    this.#wait(() => {
      onlost()
      this.#link?.destroy()
    }, patienceMs)
  }

  #onpong(): void {
    if (!this.#asked) return
    this.#asked = false
    this.#keepAlive.answered()
    this.#credit = CREDIT
    this.#retryMs = this.#times.retryMs
    this.#pingLater()
    this.#events.onpong?.()
  }

  #onincoming(link: RelayLink): void {
    this.#registered = false
    this.#wait(null, 0)
    this.#retryMs = this.#times.retryMs
    this.#link = null
    this.#events.onincoming(link)
    if (this.#closed) return
    // A relay, or a device that is welcome there, can announce visitors without end: beyond a few it costs them time.
    this.#credit = Math.max(0, this.#credit - 1)
    this.#rests = this.#credit === 0
    if (this.#rests) this.#wait(() => this.#dial(), this.#times.retryMs)
    else this.#dial()
  }

  #onclose(error: RelayError, refusal: Refusal | null): void {
    if (!this.#registered) this.#addresses.push(...this.#addresses.splice(0, 1))
    this.#registered = false
    this.#link = null
    this.#wait(null, 0)
    if (!this.#closed) this.#events.onunregistered(error, refusal)
    // That may have closed it.
    if (this.#closed) return
    const pause = Math.max(this.#retryMs, Math.min(error.retryAfterMs, MOST_PAUSE_MS)) * (0.5 + Math.random())
    this.#retryMs = Math.min(this.#retryMs * 2, this.#times.retryMs * MOST_RETRIES)
    this.#wait(() => this.#dial(), pause)
  }

  #wait(then: (() => void) | null, ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = then === null ? null : setTimeout(then, ms)
  }
}
