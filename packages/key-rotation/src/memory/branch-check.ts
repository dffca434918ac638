import { decodeEvent } from '../format/event.ts'
import { advance } from '../state/apply.ts'
import { type Draft, draftOf, type IdentityState } from '../state/state.ts'
import { markVerified } from '../state/verified.ts'
import { checkClock, checkRoom, verify } from '../verify.ts'

/**
 * Checks second histories of a chain that was verified before, from where they part: who brings one has the signatures of his own events checked, and not those of all
 * before again. Keeps the state at the place that was asked for last.
 */
export class BranchCheck {
  #last: { readonly event: Uint8Array; readonly state: IdentityState } | null = null

  /**
   * @param at - number of the first event of `events` that is not the one in `known`
   * @throws what `verify` throws
   */
  check(given: {
    known: readonly Uint8Array[]
    at: number
    events: readonly Uint8Array[]
    identity: Uint8Array
    now: number
  }): void {
    const { known, at, events, identity, now } = given
    const before = at === 0 ? null : this.#stateBefore(known, at)
    if (before === null) return void verify(events, { trusted: identity, now })
    checkRoom(before, events.length - at)
    let state = draftOf(before)
    for (const bytes of events.slice(at)) {
      const event = decodeEvent(bytes)
      checkClock(event, now)
      state = advance(state, event)
    }
  }

  #stateBefore(known: readonly Uint8Array[], at: number): IdentityState | null {
    const event = known[at - 1] as Uint8Array
    // An event's bytes stand for all before it.
    if (this.#last?.event === event) return this.#last.state
    let state: Draft | null = null
    for (const bytes of known.slice(0, at)) state = advance(state, markVerified(decodeEvent(bytes)))
    this.#last = state && { event, state }
    return state
  }
}
