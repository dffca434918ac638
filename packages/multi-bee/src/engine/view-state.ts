import b4a from 'b4a'
import { MultiBeeError } from '../errors.ts'
import type { LogState } from '../log/log-state.ts'
import { Controls, type Control } from '../membership/controls.ts'
import { Membership } from '../membership/membership.ts'
import type { ForkedWriter, MembershipRecord } from '../merge/transaction.ts'
import type { VersionVector } from '../merge/version-vector.ts'
import { WriterTable } from '../merge/writer-table.ts'

/** Version of the view's layout. A view of another version is rebuilt from the logs. */
const VIEW_FORMAT = 4

/** Everything the view knows of itself: what its records cover, and what is needed to go on from there. */
export interface ViewState {
  /** Names this build of the view; another one starts after a rebuild. */
  generation: string
  /** Oldest version that can be read. */
  floor: number
  version: number
  writers: WriterTable
  applied: VersionVector
  membership: Membership
  /** See DeviceState. */
  controls: Controls
  /** By writer: its log's state where the view stands. */
  logs: ReadonlyMap<number, LogState>
  lastSeen: ReadonlyMap<number, number>
  /** How far its clock was ahead, by writer; only where that was beyond the bound. */
  skew: ReadonlyMap<number, number>
  /** Blocks that were read, by writer. */
  held: ReadonlyMap<number, number>
}

/** As JSON: it is small (tens of writers), and seldom read. */
export function encodeViewState(state: ViewState): Uint8Array {
  // Most of it, and nearly all that is the same as the last time, when somebody changes members without end.
  const controls = Array.from(state.controls.entries(), ([writer, list]) => {
    return `[${writer},[${list.map(controlText).join(',')}]]`
  })
  const rest = JSON.stringify({
    format: VIEW_FORMAT,
    generation: state.generation,
    floor: state.floor,
    version: state.version,
    writers: state.writers.keys().map(toHex),
    applied: state.applied,
    members: state.membership.members.map((member) => ({
      ...member,
      cutOff: member.cutOff && hexed(member.cutOff)
    })),
    genesis: state.membership.genesis && hexed(state.membership.genesis),
    walked: state.membership.walked,
    admits: [...state.membership.admits],
    forks: state.membership.forks.map(hexed),
    logs: [...state.logs],
    lastSeen: [...state.lastSeen],
    skew: [...state.skew],
    held: [...state.held]
  })
  return b4a.from(`${rest.slice(0, -1)},"controls":[${controls.join(',')}]}`)
}

const controlTexts = new WeakMap<Control, string>()

function controlText(control: Control): string {
  let text = controlTexts.get(control)
  if (text === undefined) {
    text = JSON.stringify({ ...control, membership: control.membership.map(hexed) })
    controlTexts.set(control, text)
  }
  return text
}

/** @returns `null` for a view of another format */
export function decodeViewState(bytes: Uint8Array): ViewState | null {
  try {
    const raw = JSON.parse(b4a.toString(bytes)) as RawState
    if (raw.format !== VIEW_FORMAT) return null
    const writers = new WriterTable()
    for (const key of raw.writers) writers.idOf(b4a.from(key, 'hex'))
    const membership = new Membership(
      raw.members.map((member) => ({
        ...member,
        cutOff: member.cutOff && unhexed(member.cutOff)
      })) as Membership['members'],
      (raw.genesis && unhexed(raw.genesis)) as Membership['genesis'],
      raw.walked,
      new Map(raw.admits)
    ).knowing(raw.forks.map(unhexed) as ForkedWriter[])
    const controls = new Controls(
      raw.controls.map(([writer, list]) => [
        writer,
        list.map((each) => ({ ...each, membership: each.membership.map(unhexed) as MembershipRecord[] }))
      ])
    )
    const { generation, floor, version, applied } = raw
    return {
      generation,
      floor,
      version,
      writers,
      applied,
      membership,
      controls,
      logs: new Map(raw.logs),
      lastSeen: new Map(raw.lastSeen),
      skew: new Map(raw.skew),
      held: new Map(raw.held)
    }
  } catch (cause) {
    throw new MultiBeeError(
      'MULTI_BEE_VIEW_UNREADABLE',
      'the view does not say what it covers; delete its directory and it is rebuilt',
      { cause }
    )
  }
}

interface RawState extends Omit<
  ViewState,
  'writers' | 'membership' | 'controls' | 'logs' | 'lastSeen' | 'skew' | 'held'
> {
  format: number
  writers: string[]
  members: {
    writer: number
    name: string
    cutOff: Hexed | null
    removed: boolean
    forkedAt: number | null
    previous: number | null
    admissions: { writer: number; seq: number }[]
  }[]
  genesis: Hexed | null
  walked: VersionVector
  admits: [string, readonly { writer: number; seq: number }[]][]
  forks: Hexed[]
  controls: [number, (Omit<Control, 'membership'> & { membership: Hexed[] })[]][]
  logs: [number, LogState][]
  lastSeen: [number, number][]
  skew: [number, number][]
  held: [number, number][]
}

type Hexed = Record<string, unknown>

/** Bytes as `{ hex }`, everything else as it is. */
function hexed(record: object): Hexed {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => {
      if (value instanceof Uint8Array) return [name, { hex: toHex(value) }]
      return [name, typeof value === 'object' && value !== null ? hexed(value as object) : value]
    })
  )
}

function unhexed(record: Hexed): object {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => {
      if (typeof value !== 'object' || value === null) return [name, value]
      const { hex } = value as { hex?: unknown }
      return [name, typeof hex === 'string' ? b4a.from(hex, 'hex') : unhexed(value as Hexed)]
    })
  )
}

function toHex(bytes: Uint8Array): string {
  return b4a.toString(bytes, 'hex')
}
