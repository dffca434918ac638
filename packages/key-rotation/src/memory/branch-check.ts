import { decodeEvent } from '../format/event.ts'
import { advance } from '../state/apply.ts'
import { type Draft, type IdentityState } from '../state/state.ts'
import { markVerified } from '../state/verified.ts'

/**
 * The states of a chain that was verified before, at the places where others part from it: who brings a second history has the signatures of his own events checked, and
 * not those of all before again. Keeps the one that was asked for last.
 */
export class BranchCheck {
  #last: { readonly event: Uint8Array; readonly state: IdentityState } | null = null

  /** @param at - number of an event, not the first. @returns the state before it */
  stateBefore(known: readonly Uint8Array[], at: number): IdentityState {
    const event = known[at - 1] as Uint8Array
    // An event's bytes stand for all before it.
    if (this.#last?.event === event) return this.#last.state
    let state: Draft | null = null
    for (const bytes of known.slice(0, at)) state = advance(state, markVerified(decodeEvent(bytes)))
    this.#last = { event, state: state as Draft }
    return this.#last.state
  }
}
