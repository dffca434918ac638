import b4a from 'b4a'
import { RelayError } from '../errors.ts'
import { BeatNews } from './beat-news.ts'
import type { FleetHost, FleetOptions } from './fleet-options.ts'
import { FleetWatches } from './fleet-watches.ts'
import type { Heartbeat } from './heartbeat.ts'
import { MissedBeats } from './missed-beats.ts'
import { OwnBeats } from './own-beats.ts'
import { redirectTarget } from './redirect.ts'
import { MAX_CARRIED_BYTES, ReplicaSet } from './replica-set.ts'
import { ReplicaView } from './replica-view.ts'

/** Makes the beats of one relay, listens to those of the others, and decides who is sent on. It owns its connections to the others. */
export class FleetMember {
  readonly view: ReplicaView
  readonly #options: FleetOptions
  readonly #host: FleetHost
  readonly #beats: OwnBeats
  readonly #watches: FleetWatches
  readonly #news = new BeatNews()
  readonly #missed: MissedBeats
  #own: Heartbeat
  #timer: unknown = null

  /** @throws RelayError `RELAY_BAD_ARGUMENT` also when the set does not name this relay, and what {@link ReplicaSet.open} throws */
  constructor(options: FleetOptions, host: FleetHost) {
    this.#options = options
    this.#host = host
    this.#beats = new OwnBeats(options, host)
    const { intervalMs } = this.#beats
    this.#watches = new FleetWatches(host.keyPair, intervalMs)
    // The others' beats are asked for at this one's pace.
    this.view = new ReplicaView(options.owner, { now: () => host.now(), hearingMs: () => intervalMs })
    this.#missed = new MissedBeats(
      this.view,
      () => host.now(),
      (last) => this.#miss(last)
    )
    this.use(options.set)
    this.#own = this.#beats.next()
  }

  /** Bytes were carried. */
  carried(bytes: number): void {
    this.#beats.carried(bytes)
  }

  /** Begins to listen to the others. */
  start(): void {
    // Who comes from now on hears it at once: it is what later ones are compared with.
    this.#news.tell(this.#own, 0)
    this.#watchAll()
    this.#timer = setInterval(() => this.#tick(), this.#beats.intervalMs)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#timer = null
    this.#missed.close()
    this.#watches.close()
  }

  /**
   * Takes another set of the owner's; one that is older changes nothing.
   *
   * @returns whether it is now the one that counts
   * @throws as the constructor
   */
  use(bytes: Uint8Array): boolean {
    const set = this.check(bytes)
    const { publicKey } = this.#host.keyPair
    const before = this.view.set
    if (!this.view.use(set)) return false
    for (const { key } of before?.replicas ?? []) if (set.find(key) === null) this.#dismiss(key)
    for (const { key } of set.replicas) if (!b4a.equals(key, publicKey)) this.#host.admit(key)
    if (this.#timer === null) return true
    this.#watchAll()
    this.#host.tellSet()
    const carried = this.#carriedSet()
    if (carried !== null) this.#watches.tellSet(carried)
    return true
  }

  /** Whether it is a set that can be used. @throws as the constructor */
  check(bytes: Uint8Array): ReplicaSet {
    const set = ReplicaSet.open(bytes, this.view.owner)
    if (set.find(this.#host.keyPair.publicKey) !== null) return set
    throw new RelayError('RELAY_BAD_ARGUMENT', 'the replica set does not name this relay')
  }

  /**
   * Another replica says that this is the newest set.
   *
   * @returns false for what its owner has not signed
   */
  learn(record: Uint8Array): boolean {
    try {
      if (ReplicaSet.peek(record) <= (this.view.set?.seq ?? 0) || !this.use(record)) return true
    } catch (error) {
      // Of a later version, or without this relay: what is known still holds.
      return error instanceof RelayError && ['RELAY_NEWER_FORMAT', 'RELAY_BAD_ARGUMENT'].includes(error.code)
    }
    this.#options.onset?.(record)
    return true
  }

  /** Tells all that it is about to stop; from now on everybody new is sent on. */
  drain(): void {
    this.#beats.drain()
    this.#say()
  }

  /** Another relay has come to watch: it is there, so that there is no need to wait before it is watched. */
  watchedBy(key: Uint8Array): void {
    this.#watches.hurry(key)
  }

  /** Whether it is one of the owner's. */
  has(key: Uint8Array): boolean {
    return this.view.set?.find(key) !== null
  }

  /** The newest beat of this relay. */
  get beat(): Uint8Array {
    return this.#own.bytes
  }

  /** Newest beats of this relay and, of the others, of those that are alive. */
  beats(): Uint8Array[] {
    return [this.beat, ...this.#others().map(({ bytes }) => bytes)]
  }

  /** The last beats of those that are dead without having drained. */
  missing(): Heartbeat[] {
    return this.view.missing().filter(({ draining }) => !draining)
  }

  /** Where somebody new is sent; `null` to serve it, or where nobody else would do better. */
  redirect(): Uint8Array | null {
    const { publicKey: self } = this.#host.keyPair
    const { load, draining } = this.#beats
    return redirectTarget(this.view.statuses(), { self, load, draining })
  }

  #tick(): void {
    this.#beats.measure()
    const next = this.#beats.next()
    if (this.#news.isNews(next)) this.#say(next)
    else this.#own = next
    for (const beat of this.#others()) this.#pass(beat)
  }

  #say(beat: Heartbeat = this.#beats.next()): void {
    this.#own = beat
    this.#news.tell(beat, 0)
    this.#host.tell(beat.bytes, true)
  }

  #watchAll(): void {
    const { publicKey } = this.#host.keyPair
    for (const replica of this.view.set?.replicas ?? []) {
      if (b4a.equals(replica.key, publicKey)) continue
      this.#watches.follow(replica, {
        set: () => this.#carriedSet(),
        onbeat: (record) => this.#hear(record),
        onset: (record) => void this.learn(record),
        setSeq: () => this.view.set?.seq ?? 0,
        onreached: () => this.view.reached(replica.key),
        onlost: () => this.view.failed(replica.key)
      })
    }
  }

  #miss(last: Heartbeat): void {
    // Whoever drains asks its devices to move, each in its turn, and then goes.
    if (last.draining) return
    // That it is back is news.
    this.#news.forget(last.replica)
    this.#host.tellMissing(last)
  }

  /** One that is too long is the app's to bring. */
  #carriedSet(): Uint8Array | null {
    const bytes = this.view.set?.bytes ?? null
    return bytes === null || bytes.length > MAX_CARRIED_BYTES ? null : bytes
  }

  #dismiss(key: Uint8Array): void {
    this.#watches.leave(key)
    this.#news.forget(key)
    this.#host.dismiss(key)
  }

  /** @returns false for what is no beat */
  #hear(record: Uint8Array): boolean {
    let beat: Heartbeat | null
    try {
      beat = this.view.take(record)
    } catch (error) {
      // One of a later version is none that this relay could tell devices of.
      return error instanceof RelayError && error.code === 'RELAY_NEWER_FORMAT'
    }
    if (beat === null) return true
    this.#missed.watch()
    this.#pass(beat)
    return true
  }

  /** Newest beats of those that are alive. */
  #others(): Heartbeat[] {
    const living = this.view.statuses().filter(({ state }) => state === 'alive' || state === 'draining')
    return living.flatMap(({ key }) => this.view.beat(key) ?? [])
  }

  #pass(beat: Heartbeat): void {
    const now = this.#host.now()
    if (!this.#news.isDue(beat, now)) return
    this.#news.tell(beat, now + this.#beats.intervalMs)
    this.#host.tell(beat.bytes, false)
  }
}
