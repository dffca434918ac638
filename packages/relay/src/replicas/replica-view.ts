import b4a from 'b4a'
import { RelayError } from '../errors.ts'
import { checkKey } from '../arguments.ts'
import { nameOf } from '../keys.ts'
import { Heartbeat, type LastBeat } from './heartbeat.ts'
import { KnownReplica, LONGEST_BACKOFF_MS, type ReplicaState } from './known-replica.ts'
import type { Replica, ReplicaSet } from './replica-set.ts'

export type { ReplicaState }

/** A replica as one device, or another replica, sees it. */
export interface ReplicaStatus extends Replica {
  readonly state: ReplicaState
  /** As its newest beat says; 0 while it is unheard. */
  readonly load: number
}

/** What a {@link ReplicaView} is made with. */
export interface ReplicaViewOptions {
  /** Milliseconds of a clock that never goes back, from any beginning; what is dated elsewhere is never compared with it. */
  now: () => number
  /**
   * How many milliseconds may pass between two beats of one replica that are heard here, whatever the beats say: a device hears them with the answers to its
   * pings, and asks more seldom than they are made.
   *
   * @defaultValue beats are heard as they are made
   */
  hearingMs?: () => number
}

/**
 * What one device knows of its owner's replicas. It has no timers and sends nothing: beats come in by {@link hear}, in whatever way and order,
 * and every question is answered for the moment it is asked.
 *
 * A beat counts once, and only if it was said after the newest one heard: a repeated beat gives a dead replica no more life. A beat that somebody
 * holds back, and lets through later, does give it one more term; connecting then fails, and {@link failed} takes it out.
 */
export class ReplicaView {
  readonly owner: Uint8Array
  readonly #now: () => number
  readonly #hearingMs: () => number
  #set: ReplicaSet | null = null
  #known = new Map<string, KnownReplica>()

  /** @throws RelayError `RELAY_BAD_ARGUMENT` */
  constructor(owner: Uint8Array, { now, hearingMs = () => 0 }: ReplicaViewOptions) {
    checkKey(owner, 'the owner')
    this.owner = b4a.from(owner)
    this.#now = now
    this.#hearingMs = hearingMs
  }

  /** The newest set, or null before the first. */
  get set(): ReplicaSet | null {
    return this.#set
  }

  /**
   * Takes a set. One that is older than what is known changes nothing: nobody brings back a replica that its owner took out. What was heard of
   * replicas that stay is kept.
   *
   * @returns whether it is now the one that counts
   * @throws RelayError `RELAY_BAD_ARGUMENT` when it is of another owner
   */
  use(set: ReplicaSet): boolean {
    if (!b4a.equals(set.owner, this.owner)) {
      throw new RelayError('RELAY_BAD_ARGUMENT', 'the set is of another owner')
    }
    if (this.#set !== null && set.seq <= this.#set.seq) return false
    this.#set = set
    const before = this.#known
    this.#known = new Map()
    for (const { key } of set.replicas)
      this.#known.set(nameOf(key), before.get(nameOf(key)) ?? new KnownReplica())
    return true
  }

  /**
   * Takes a beat.
   *
   * @returns whether it said anything new: false for one that is repeated or older, of another owner's, or not in the set
   */
  hear(beat: Heartbeat): boolean {
    const known = this.#known.get(nameOf(beat.replica))
    if (known === undefined || !b4a.equals(beat.owner, this.owner)) return false
    if (!known.isNew(beat)) return false
    known.hear(beat, this.#now())
    return true
  }

  /**
   * Takes the bytes of a beat. The signature is checked only where the beat would say anything new.
   *
   * @returns the beat, or null where {@link hear} would be false
   * @throws RelayError as {@link Heartbeat.open} does
   */
  take(record: Uint8Array): Heartbeat | null {
    const { replica, epoch, seq } = Heartbeat.peek(record)
    const known = this.#known.get(nameOf(replica))
    if (known === undefined || !known.isNew({ epoch, seq })) return null
    const beat = Heartbeat.open(record)
    return this.hear(beat) ? beat : null
  }

  /** The newest beat of a replica, or null. */
  beat(key: Uint8Array): Heartbeat | null {
    return this.#known.get(nameOf(key))?.beat ?? null
  }

  /**
   * Says that connecting to a replica failed, or that its connection died: it is left out for a second, and twice as long every time, up to a minute.
   *
   * @param leastMs - it has asked to be left alone for so long, which may be up to an hour
   * @returns for how many milliseconds
   */
  failed(key: Uint8Array, leastMs = 0): number {
    return this.#known.get(nameOf(key))?.failed(this.#now(), leastMs) ?? LONGEST_BACKOFF_MS
  }

  /** Those that could not be reached may be tried again. */
  forgive(): void {
    for (const known of this.#known.values()) known.forgive()
  }

  /**
   * Says that a replica was reached: that counts as a beat. Whoever had no connection heard nobody's beats in the meantime, and would else take the one that
   * it has just found for dead.
   */
  reached(key: Uint8Array): void {
    this.#known.get(nameOf(key))?.reached(this.#now())
  }

  /**
   * Says that somebody who listens to a replica, as replicas do to each other, has missed three of its beats since this one. It is a hint: the replica counts as dead
   * until a later one is heard, or it is reached.
   *
   * @returns whether it may be so: false where a later one was heard, or it was reached, just now
   */
  missed(last: LastBeat): boolean {
    return this.#known.get(nameOf(last.replica))?.missed(last, this.#now()) ?? false
  }

  /** The newest beats of those that have missed three since, whether or not they were asked to leave before. */
  missing(): Heartbeat[] {
    const now = this.#now()
    return [...this.#known.values()].flatMap((known) =>
      known.beat === null || known.deadAt(this.#hearingMs()) > now ? [] : [known.beat]
    )
  }

  /** How a replica is now; null when it is not in the set. */
  status(key: Uint8Array): ReplicaStatus | null {
    const replica = this.#set?.find(key) ?? null
    return replica && this.#statusOf(replica)
  }

  /** How all are now, in the order of their keys. */
  statuses(): ReplicaStatus[] {
    return (this.#set?.replicas ?? []).map((replica) => this.#statusOf(replica))
  }

  /** When the next replica will be dead if nothing is heard until then, by the clock of this view; `Infinity` when none is alive. What a timer is set to. */
  nextDeath(): number {
    const now = this.#now()
    const deaths = [...this.#known.values()]
      .map((known) => known.deadAt(this.#hearingMs()))
      .filter((at) => at > now)
    return Math.min(Number.POSITIVE_INFINITY, ...deaths)
  }

  /** When the next of those that failed may be tried again, by the same clock; `Infinity` when none has. */
  nextRetry(): number {
    const now = this.#now()
    const retries = [...this.#known.values()].map(({ failedUntil }) => failedUntil).filter((at) => at > now)
    return Math.min(Number.POSITIVE_INFINITY, ...retries)
  }

  #statusOf(replica: Replica): ReplicaStatus {
    const known = this.#known.get(nameOf(replica.key)) as KnownReplica
    const state = known.state(this.#now(), this.#hearingMs())
    return { ...replica, state, load: known.beat?.load ?? 0 }
  }
}
