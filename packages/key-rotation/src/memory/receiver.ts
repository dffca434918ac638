import { KeyRotationError } from '../errors.ts'
import { decodeEvent } from '../format/event.ts'
import { aheadOf, verify } from '../verify.ts'
import type { BranchCheck } from './branch-check.ts'
import { mayRecover, type Outcome, weighHistory } from './contest.ts'
import { decidedBefore, isDecided } from './decisions.ts'
import { firstDifference } from './difference.ts'
import type { Keeper } from './keeper.ts'
import { announcesUnknown, keepingSighting, takeIn, type TakenIn } from './recovery-watch.ts'

/** Weighs histories that are brought by what is known, and has kept what comes of it. */
export class Receiver {
  readonly #keeper: Keeper
  readonly #branches: BranchCheck
  readonly #now: () => number

  constructor(keeper: Keeper, branches: BranchCheck, now: () => number) {
    this.#keeper = keeper
    this.#branches = branches
    this.#now = now
  }

  /** As `IdentityMemory.receive`. */
  async receive(brought: readonly Uint8Array[], from: number): Promise<boolean> {
    const { heard } = this.#keeper
    const { events: known, duplicity, state, sightings } = heard
    const { events: kept } = this.#keeper.seen
    if (from > kept.length) throw new KeyRotationError('KEY_ROTATION_OUT_OF_ORDER', 'events do not follow')
    const whole = from === 0 ? brought : [...kept.slice(0, from), ...brought]
    const at = firstDifference(known, whole)
    const isKnown = at === whole.length || firstDifference(kept, whole) === whole.length
    if (isKnown && at > 0) return this.#keeper.keepHeard()
    // Another inception, or nothing.
    if (at === 0) verify(whole, { trusted: state.identity })
    // What both have stays as it is here: nobody has checked the signatures that were brought with it.
    const fresh = whole.slice(at)
    const events = [...known.slice(0, at), ...fresh]
    const isNext = at === known.length && duplicity === null
    const isRefused = !isNext && this.#isRefused(this.#weigh(events))
    // What makes no difference is not checked any further: it may have been sent to keep this device busy. But since when a recovery is known of counts, where it could take place.
    if (isRefused && !(announcesUnknown(fresh, sightings) && mayRecover(heard, events, heard.decided)))
      throw forked(duplicity?.seq ?? at)
    // Nothing of it is taken, and nobody needs keys to say a time: that is not worth a walk over all that both have.
    const ahead = aheadOf(decodeEvent(fresh[0] as Uint8Array), this.#now())
    if (ahead !== null) throw isRefused ? forked(duplicity?.seq ?? at) : ahead
    const before = at === known.length ? state : this.#branches.stateBefore(known, at)
    const taken = takeIn({ state: before, sightings }, fresh, this.#now())
    const counted = taken.held === null ? events : events.slice(0, at + taken.count)
    if (isRefused) {
      await this.#sight(taken)
      throw forked(duplicity?.seq ?? at)
    }
    if (isNext) await this.#keeper.add(counted.slice(at), taken.state, taken.sightings)
    else await this.#settle(counted, at, taken)
    if (taken.held !== null) throw taken.held
    return true
  }

  #weigh(events: readonly Uint8Array[]): Outcome {
    return weighHistory(this.#keeper.heard, events)
  }

  #isRefused(outcome: Outcome): boolean {
    return (
      outcome.kind === 'loses' ||
      (outcome.kind === 'freezes' && isDecided(this.#keeper.heard.decided, outcome))
    )
  }

  /** What becomes of a history that parts, and is right as far as it was taken. */
  async #settle(events: readonly Uint8Array[], at: number, taken: TakenIn): Promise<void> {
    const { heard } = this.#keeper
    const { events: known } = heard
    const { state, sightings } = taken
    const isBehind = firstDifference(known, events) === events.length
    const outcome: Outcome = isBehind ? { kind: 'loses' } : this.#weigh(events)
    // The rest of it has to wait.
    if (this.#isRefused(outcome)) return this.#sight(taken)
    if (outcome.kind === 'freezes') {
      const { seq } = outcome
      const kept = keepingSighting(sightings, heard.sightings, heard.state)
      const duplicity = { seq, branches: [known, events] } as const
      await this.#keeper.keep({ ...heard, sightings: kept, duplicity })
      throw forked(heard.duplicity?.seq ?? seq)
    }
    const superseded = at < known.length ? { seq: at, events: known } : heard.superseded
    const decided = decidedBefore(heard.decided, at)
    await this.#keeper.keep({ events, state, sightings, superseded, decided, duplicity: null })
  }

  /** Keeps when recoveries were heard of, and nothing else. */
  async #sight(taken: TakenIn): Promise<void> {
    const { heard } = this.#keeper
    const sightings = keepingSighting(taken.sightings, heard.sightings, heard.state)
    if (sightings !== heard.sightings) await this.#keeper.keep({ ...heard, sightings })
  }
}

function forked(seq: number): KeyRotationError {
  return new KeyRotationError('KEY_ROTATION_FORKED', `there are two events ${seq} of this identity`)
}
