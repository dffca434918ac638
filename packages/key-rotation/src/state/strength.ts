import { type Change, decodeEvent } from '../format/event.ts'

/**
 * What the keys behind a history are worth, from where it parts from another one: 0, admins alone, and a quorum that has announced a recovery; 1, the present keys, or the quorum; 2, the
 * keys that both histories had committed to.
 */
export type Strength = 0 | 1 | 2

type Events = readonly Uint8Array[]

/** What an event adds to the strength of a history. */
type Mark = 'nothing' | 'own' | 'rotated' | 'announced' | 'revealed' | 'recovered'

/** An event's bytes say what it adds, whatever history it stands in. */
const marks = new WeakMap<Uint8Array, Mark>()
/** Of a whole history, from each place on; and whether the pre-rotated keys stand behind the recovery that waits there. */
const tables = new WeakMap<Events, { readonly strengths: Uint8Array; readonly finals: Uint8Array }>()

/**
 * How strong a history is from a place on. Says the same to everybody, whatever was seen first: docs/decisions/0015. The first time of a history costs a walk over it.
 *
 * After a recovery that the present keys could have vetoed, the keys that come next are of the quorum's choice: they prove no more than the quorum does, or it could overrule a
 * veto by rotating.
 *
 * @param events - right ones
 */
export function strengthOf(events: Events, at: number): Strength {
  return (tableOf(events).strengths[at] ?? 0) as Strength
}

/**
 * The same, of a history that is only looked at once. Costs a walk over what follows.
 *
 * @param known - one that is the same up to there
 */
export function strengthOfBrought(events: Events, at: number, known: Events): Strength {
  let isFinal = tableOf(known).finals[at] === 1
  let strength: Strength = 0
  for (const event of events.slice(at)) {
    const mark = markOf(event)
    const found = strengthAt(mark, isFinal)
    if (found === 2 || mark === 'recovered') return found
    if (mark === 'announced') isFinal = false
    if (found === 1) strength = 1
  }
  return strength
}

function tableOf(events: Events): { readonly strengths: Uint8Array; readonly finals: Uint8Array } {
  const known = tables.get(events)
  if (known !== undefined) return known
  const finals = new Uint8Array(events.length + 1)
  for (const [i, event] of events.entries()) {
    const mark = markOf(event)
    const isOver = mark === 'announced' || mark === 'recovered'
    finals[i + 1] = mark === 'revealed' ? 1 : isOver ? 0 : (finals[i] ?? 0)
  }
  const strengths = new Uint8Array(events.length + 1)
  // What follows, where no final recovery waits, and where one does.
  let [plain, final]: [number, number] = [0, 0]
  for (let i = events.length - 1; i >= 0; i--) {
    const mark = markOf(events[i] as Uint8Array)
    const isOver = mark === 'recovered'
    const [afterPlain, afterFinal] = isOver ? [0, 0] : [plain, mark === 'announced' ? plain : final]
    plain = Math.max(strengthAt(mark, false), afterPlain)
    final = Math.max(strengthAt(mark, true), afterFinal)
    strengths[i] = finals[i] === 1 ? final : plain
  }
  const table = { strengths, finals }
  tables.set(events, table)
  return table
}

function strengthAt(mark: Mark, isFinal: boolean): Strength {
  if (mark === 'rotated' || mark === 'revealed' || (mark === 'recovered' && isFinal)) return 2
  return mark === 'own' || mark === 'recovered' ? 1 : 0
}

function markOf(bytes: Uint8Array): Mark {
  const known = marks.get(bytes)
  if (known !== undefined) return known
  const { change, admin } = decodeEvent(bytes)
  const mark = markOfKind(change, admin)
  marks.set(bytes, mark)
  return mark
}

function markOfKind(change: Change, admin: number | null): Mark {
  if (change.kind === 'rotate') return 'rotated'
  if (change.kind === 'announceRecovery') return change.revealed === null ? 'announced' : 'revealed'
  if (change.kind === 'recover') return 'recovered'
  return admin === null ? 'own' : 'nothing'
}
