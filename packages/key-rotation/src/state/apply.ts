import b4a from 'b4a'
import { checkState } from '../arguments.ts'
import { KeyRotationError } from '../errors.ts'
import { decodeEvent, type Change, type DecodedEvent } from '../format/event.ts'
import { announceRecovery, incept, recover, rotate, vetoRecovery } from './control.ts'
import { rollCore } from './cores.ts'
import { addDevice, revokeDevice } from './devices.ts'
import { checkRoom } from './room.ts'
import { type Draft, draftOf, type IdentityState } from './state.ts'

/** Till the year 10889; anything later is no time, in ms since 1970. */
const MAX_TIME = 2 ** 48

/**
 * The state after one more event. Pure: neither argument changes, and the new state shares nothing with the bytes.
 *
 * @param state - `null` before the inception
 * @throws every code that says something of an event, and KEY_ROTATION_BAD_ARGUMENT for what is no state
 */
export function apply(state: IdentityState | null, event: Uint8Array): IdentityState {
  if (state !== null) checkState(state)
  return advance(state === null ? null : draftOf(state), decodeEvent(event))
}

/** The same, for a draft that is given away: it is changed, unless this throws. */
export function advance(draft: Draft | null, event: DecodedEvent): Draft {
  const { change } = event
  if (event.time > MAX_TIME)
    throw new KeyRotationError('KEY_ROTATION_BAD_TIME', 'an event is later than there are years')
  if (draft === null || change.kind === 'inception') {
    if (draft !== null || change.kind !== 'inception')
      throw new KeyRotationError('KEY_ROTATION_OUT_OF_ORDER', 'a chain has one inception, and begins with it')
    return incept(event, change)
  }
  checkPlace(draft, event)
  checkRoom(event)
  const commit = CHECKS[change.kind](draft, event, change as never)
  commit()
  draft.seq = event.seq
  draft.hash = event.hash
  draft.time = event.time
  return draft
}

function checkPlace(draft: Draft, { identity, seq, previous, time }: DecodedEvent): void {
  if (identity === null || !b4a.equals(identity, draft.identity))
    throw new KeyRotationError('KEY_ROTATION_WRONG_IDENTITY', 'an event is of another identity')
  if (seq !== draft.seq + 1)
    throw new KeyRotationError('KEY_ROTATION_OUT_OF_ORDER', `event ${seq} stands after event ${draft.seq}`)
  if (previous === null || !b4a.equals(previous, draft.hash)) {
    const message = `event ${seq} was not written after the event ${draft.seq} that is here`
    throw new KeyRotationError('KEY_ROTATION_BROKEN_CHAIN', message)
  }
  if (time < draft.time)
    throw new KeyRotationError('KEY_ROTATION_BAD_TIME', `event ${seq} is of a time before event ${draft.seq}`)
}

type Later = Exclude<Change, { kind: 'inception' }>

/** Each checks all, and changes nothing; what it returns changes. */
const CHECKS: {
  readonly [K in Later['kind']]: (
    draft: Draft,
    event: DecodedEvent,
    change: Extract<Change, { kind: K }>
  ) => () => void
} = { rotate, addDevice, revokeDevice, announceRecovery, vetoRecovery, recover, rollCore }
