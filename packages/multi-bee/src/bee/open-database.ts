import type { Membership } from '../membership/membership.ts'
import type { Change } from '../engine/change.ts'
import type { Engine } from '../engine/engine.ts'
import type { HypercoreLog } from '../hypercore-adapter.ts'
import type { View } from '../view/view.ts'

/** What the parts of an open database share. */
export interface OpenDatabase {
  engine: Engine
  view: View
  logs: ReadonlyMap<string, HypercoreLog>
  changes: ChangeFeed
}

type ChangeListener = (keys: readonly Uint8Array[]) => void

/** Tells watchers which keys have changed, and when the database closes. */
export class ChangeFeed {
  readonly #listeners = new Map<ChangeListener, () => void>()

  /** @returns a function that ends it */
  listen(onKeys: ChangeListener, onEnd: () => void): () => void {
    this.#listeners.set(onKeys, onEnd)
    return () => this.#listeners.delete(onKeys)
  }

  publish(changes: readonly Change[]): void {
    if (this.#listeners.size === 0 || changes.length === 0) return
    const keys = changes.map(({ key }) => key)
    for (const listener of this.#listeners.keys()) listener(keys)
  }

  end(): void {
    for (const onEnd of this.#listeners.values()) onEnd()
  }
}

/** The name a device was added under; `''` for a stranger. */
export function deviceName(membership: Membership, writer: number): string {
  return membership.get(writer)?.name ?? ''
}
