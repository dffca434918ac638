import { WriterTable } from '../merge/writer-table.ts'
import { Controls } from '../membership/controls.ts'
import { Repetitions } from './repetitions.ts'
import { Membership } from '../membership/membership.ts'
import type { DeviceState } from './device-state.ts'
import { encodeViewState, type ViewState } from './view-state.ts'

/** What a device is told of itself when it opens a database. */
export interface Origin {
  /** Key of the database's first log. */
  first: Uint8Array
  /** This device's own log. */
  self: { readonly key: Uint8Array }
  /** Names a new build of the view. */
  generation: string
  /** Greatest version that may ever have been shown: of an earlier build of the view, or before a crash. */
  versionFloor: number
}

/** What a device starts from: the state its view was written with, or nothing. */
export function initialState(
  { first, self, generation, versionFloor }: Origin,
  saved: ViewState | null
): DeviceState {
  const writers = saved?.writers ?? new WriterTable()
  const firstId = writers.idOf(first)
  return {
    writers,
    first: firstId,
    self: writers.idOf(self.key),
    hasLostTail: false,
    leaving: null,
    repetitions: new Repetitions(),
    logs: new Map(),
    membership: saved?.membership ?? Membership.first(firstId, undefined),
    applied: saved?.applied ?? [],
    controls: saved?.controls ?? new Controls(),
    // What is applied again after a crash, perhaps in another order, gets versions nobody has seen yet.
    version: Math.max(saved?.version ?? 0, versionFloor),
    floor: saved?.floor ?? versionFloor,
    generation: saved?.generation ?? generation
  }
}

/** The state as it goes into the view, with all that is needed to go on from there. */
export function encodeState(state: DeviceState): Uint8Array {
  const logs = new Map([...state.logs].map(([writer, log]) => [writer, log.state]))
  const held = new Map([...state.logs].map(([writer, log]) => [writer, log.held]))
  const lastSeen = new Map<number, number>()
  const skew = new Map<number, number>()
  for (const [writer, log] of state.logs) {
    if (log.lastSeen !== null) lastSeen.set(writer, log.lastSeen)
    if (log.skewMs > 0) skew.set(writer, log.skewMs)
  }
  return encodeViewState({ ...state, logs, lastSeen, skew, held })
}
