import b4a from 'b4a'
import type { OpLog } from '../log/op-log.ts'
import { lengthAt } from '../merge/version-vector.ts'
import type { View } from '../view/view.ts'
import type { EngineHost } from './parts.ts'
import { decodeViewState, type ViewState } from './view-state.ts'

/** What a view says when it is opened. */
export interface Found {
  /** What to go on from; `null`: the view is empty now, and is built anew. */
  saved: ViewState | null
  /** The version it had. */
  version: number
  /** Whether it had more of this device's own log than there is. */
  hasLostTail: boolean
}

/**
 * Opens a view, and the logs of those it knows as members.
 *
 * @param logs - holds this device's own log, and is filled with the others; the caller closes them, also when this fails
 */
export async function openView(view: View, self: OpLog, logs: OpLog[], host: EngineHost): Promise<Found> {
  const bytes = await view.open()
  const found = bytes === null ? null : decodeViewState(bytes)
  for (const key of found === null ? [] : memberKeys(found))
    if (!b4a.equals(key, self.key)) logs.push(await host.openLog(key))
  const saved = found !== null && logs.some((log) => coversMore(found, log)) ? null : found
  // Rows of another layout would be taken for this one's, and what a log has lost for what it says.
  if (bytes !== null && saved === null) await view.clear()
  return { saved, version: found?.version ?? 0, hasLostTail: found !== null && coversMore(found, self) }
}

function memberKeys({ membership, writers }: ViewState): Uint8Array[] {
  return membership.members.map(({ writer }) => writers.keyOf(writer))
}

/**
 * Whether a view has more of a log than there is. A loss of power can do that: the view is synced to the disk when it is written, the
 * log is not.
 */
function coversMore({ applied, writers }: ViewState, log: OpLog): boolean {
  return lengthAt(applied, writers.find(log.key)) > log.available
}
