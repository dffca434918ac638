import type { Unreadable } from './vcard.mjs'

export type DeviceName = 'phone' | 'laptop' | 'cloud'

/** What a device shows; the hash is of all of it. */
export interface Summary {
  contacts: number
  calls: number
  hash: string
}

/** One side of a conflict. */
export interface Version {
  value: unknown
  device: string
  time: number
}

/** A field on which devices disagree. */
export interface Disagreement {
  id: string
  path: string[]
  shown: Version
  other: Version
}

/** What happens in the story, in the order of its telling. */
export type Fact =
  | { type: 'read'; file: string; cards: number; contacts: number; unreadable: Unreadable[] }
  | { type: 'started' }
  | { type: 'paired'; device: DeviceName; by: DeviceName }
  | { type: 'parted'; why: string }
  | { type: 'progress'; device: DeviceName; done: number; total: number }
  | { type: 'had'; summaries: Record<DeviceName, Summary> }
  | { type: 'imported'; shared: number; conflicts: number; summaries: Record<DeviceName, Summary> }
  | { type: 'edited'; device: DeviceName; contact: string; what: string }
  | { type: 'killed'; device: DeviceName; acknowledged: number }
  | { type: 'restarted'; device: DeviceName; acknowledged: number; found: number; more: number }
  | { type: 'met' }
  | { type: 'merged'; contact: string; what: string }
  | { type: 'conflict'; contact: string; field: string; shown: Version; other: Version }
  | { type: 'resolved'; device: DeviceName; value: unknown; left: number }
  | { type: 'agreed'; contacts: number; calls: number; hash: string }

export type Tell = (fact: Fact) => void
