import type { Engine } from '../engine/engine.ts'
import type { Change } from '../engine/change.ts'
import type { Keyspace } from '../keyspace.ts'
import type { Membership } from '../membership/membership.ts'
import { alternatives } from '../merge/show.ts'
import type { MultiBeeEvents } from '../options.ts'
import { writerInfo } from './status.ts'

/** Where events go. */
export interface Emitter {
  emit(event: string, ...args: unknown[]): boolean
}

/** Turns what the engine does into the events of a database. */
export class Announcer<K> {
  readonly #emitter: Emitter
  readonly #keyspace: Keyspace

  constructor(emitter: Emitter, keyspace: Keyspace) {
    this.#emitter = emitter
    this.#keyspace = keyspace
  }

  changed(changes: readonly Change[], own: boolean, { state }: Engine): void {
    this.tell('update')
    if (own) return
    for (const { key, register } of changes) {
      if (!alternatives(register, state.writers).next().done) this.#tellOfConflict(key)
    }
  }

  membership(before: Membership, after: Membership, engine: Engine): void {
    const { self } = engine.state
    if (!before.isActive(self) && after.isActive(self)) this.tell('writable')
    for (const member of after.members) {
      const earlier = before.get(member.writer)
      const info = writerInfo(member, engine.state.writers)
      if (member.removed && !earlier?.removed) this.tell('removed', info)
      if (member.forkedAt !== null && (earlier?.forkedAt ?? null) === null) this.tell('forked', info)
    }
  }

  skew(writer: number, offsetMs: number, engine: Engine): void {
    const { membership, writers } = engine.state
    const member = membership.get(writer)
    if (member !== undefined) this.tell('clock-skew', writerInfo(member, writers), offsetMs)
  }

  /** Emits an event. What a listener throws is the app's own error, and none of the merge's. */
  tell<E extends keyof MultiBeeEvents<K>>(event: E, ...args: MultiBeeEvents<K>[E]): void {
    try {
      this.#emitter.emit(event, ...args)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }

  #tellOfConflict(key: Uint8Array): void {
    let decoded: K
    try {
      decoded = this.#keyspace.decodeKey(key) as K
    } catch {
      // Another device's key, which this one's encoding does not take: nothing it could look up.
      return
    }
    this.tell('conflict', decoded)
  }
}
