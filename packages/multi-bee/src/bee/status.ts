import b4a from 'b4a'
import { appliedLength, type DeviceState } from '../engine/device-state.ts'
import type { WriterLog } from '../engine/writer-log.ts'
import { MultiBeeError } from '../errors.ts'
import type { HypercoreLog } from '../hypercore-adapter.ts'
import { lengthAt } from '../merge/version-vector.ts'
import type { Member } from '../membership/member.ts'
import type { WriterTable } from '../merge/writer-table.ts'
import type { DeviceStatus, WriterInfo } from '../types.ts'
import type { OpenDatabase } from './open-database.ts'

/** Members and former members, in order of joining. */
export function writerInfos({ membership, writers }: DeviceState): WriterInfo[] {
  return membership.members.map((member) => writerInfo(member, writers))
}

export function writerInfo(
  { writer, name, cutOff, removed, forkedAt, previous }: Member,
  writers: WriterTable
): WriterInfo {
  return {
    key: writers.keyOf(writer),
    name,
    cutOff: cutOff && { ...cutOff },
    removed,
    forked: forkedAt !== null,
    previous: previous === null ? null : writers.keyOf(previous)
  }
}

export async function deviceStatuses({ engine }: OpenDatabase): Promise<DeviceStatus[]> {
  const { state } = engine
  const statuses: DeviceStatus[] = []
  for (const member of state.membership.members) {
    const { writer, cutOff } = member
    const log = state.logs.get(writer)
    const applied = appliedLength(state, writer)
    const { key, name, forked, previous } = writerInfo(member, state.writers)
    statuses.push({
      key,
      name,
      isSelf: writer === state.self,
      forked: forked || (log?.log.fork ?? null) !== null,
      previous,
      isMember: cutOff === null,
      applied,
      known: Math.max(log?.log.known ?? 0, applied),
      ...heldBack(log, applied, cutOff?.length ?? Infinity),
      lastSeen: log?.lastSeen ?? null,
      clockSkewMs: log?.skewMs ?? 0,
      malformed: Math.max(log?.state.malformed ?? 0, log?.beyond?.state.malformed ?? 0),
      unknownFormat: log?.cursor.unknownVersion ?? log?.beyond?.unknownVersion ?? null
    })
  }
  return statuses
}

/** Blocks that are here and not applied: waiting below the cut-off, quarantined from there on. */
function heldBack(
  log: WriterLog | undefined,
  applied: number,
  cutOff: number
): Pick<DeviceStatus, 'waiting' | 'quarantined'> {
  const available = log?.log.available ?? 0
  return {
    waiting: Math.max(0, Math.min(available, cutOff) - applied),
    quarantined: Math.max(0, available - Math.max(applied, cutOff))
  }
}

/**
 * Whether this device and another have the same: by what they tell each other while connected (`key` is the connection's
 * `remotePublicKey`), or, for a writer's key, by what its log says it had applied.
 */
export function isSynced({ engine, logs }: OpenDatabase, key: Uint8Array): boolean {
  const connected = [...logs.values()]
    .map((log) => ({ log, peer: log.peerLengths(key) }))
    .filter(({ peer }) => peer !== null)
  if (connected.length > 0) return [...logs.values()].every((log) => hasAll(log, key))
  const { state } = engine
  const writer = state.writers.find(key)
  const log = state.logs.get(writer)
  if (log === undefined || writer === state.self) {
    throw new MultiBeeError(
      'MULTI_BEE_UNKNOWN_WRITER',
      `${b4a.toString(key, 'hex')} is neither a connected peer nor another writer`
    )
  }
  if (appliedLength(state, writer) < log.log.known) return false
  return state.membership.members.every((member) => {
    return (
      member.writer === writer ||
      appliedLength(state, member.writer) <= lengthAt(log.state.context, member.writer)
    )
  })
}

function hasAll(log: HypercoreLog, remotePublicKey: Uint8Array): boolean {
  const peer = log.peerLengths(remotePublicKey)
  return peer !== null && peer.contiguous >= log.available && log.available >= peer.length
}
