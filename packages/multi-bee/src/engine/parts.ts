import type { Epoch } from './upkeep.ts'
import type { Change } from './change.ts'
import type { DeviceState } from './device-state.ts'
import type { Flusher } from './flusher.ts'
import type { LogFork } from '../log/fork-proof.ts'
import type { Doubt, OpLog } from '../log/op-log.ts'
import type { Membership } from '../membership/membership.ts'
import type { HybridClock } from '../merge/hybrid-clock.ts'
import { MultiBeeError } from '../errors.ts'
import type { View } from '../view/view.ts'
import type { WriterLog } from './writer-log.ts'

/** What the engine asks of, and tells, the database around it. */
export interface EngineHost {
  openLog(key: Uint8Array): Promise<OpLog>
  onChanges(changes: readonly Change[], own: boolean): void
  onMembership(before: Membership, after: Membership): void
  onSkew(writer: number, offsetMs: number): void
  /** A new, empty log for this device, to go on in after `previous`. It is this device's own from now on, after a crash too. */
  nextEpoch(previous: OpLog, reason: Doubt, fork: LogFork | null): Promise<Epoch>
  /** This device goes on in the log of the epoch, and has done all that comes first. */
  onEpoch(epoch: Epoch): Promise<void>
  /** The view is about to be written at this version. */
  onFlush(version: number): Promise<void>
  onFailure(error: unknown): void
}

/** What the parts of one engine work on. */
export interface Parts {
  readonly state: DeviceState
  readonly view: View
  readonly host: EngineHost
  readonly flusher: Flusher
  /** Once the engine is open, it stands after this device's own log. */
  clock: HybridClock
  /** Follows the logs of all who are members. */
  openMembers(): Promise<void>
  /** Follows one more log from its beginning. */
  follow(log: OpLog): void
  /** Tells the host what has changed. */
  announce(changes: readonly Change[], own: boolean): void
}

/** Turns of this device's own writes that may go before what others wrote; then theirs is shown all the same. */
export const MAX_TURNS_AHEAD = 64

export function ownLogOf({ logs, self }: DeviceState): WriterLog {
  const own = logs.get(self)
  if (own === undefined) throw new MultiBeeError('MULTI_BEE_CLOSED', 'the database is not open')
  return own
}
