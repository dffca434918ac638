import { nameOf } from '../keys.ts'
import type { RedirectTrail } from '../replicas/redirect.ts'
import type { Registration } from './registration.ts'

/**
 * A registration: `trying` – on the way; `here` – it stands; `doubted` – its relay may be dead, and is asked, and another one beside it; `tempted` – it stands, and a better
 * one is tried; `moving` – it stands until there is another in its place; `leaving` – there is, and only who has set out already still comes this way.
 */
type Stage = 'trying' | 'here' | 'doubted' | 'tempted' | 'moving' | 'leaving'

/** A replica where this device is, or is being let in. */
export interface Slot {
  readonly key: Uint8Array
  readonly trail: RedirectTrail
  readonly insists: boolean
  registration: Registration | null
  stage: Stage
  timer: unknown
}

/** The replicas where this device is, or is being let in; each once. */
export class ReplicaSlots {
  readonly #slots = new Map<string, Slot>()

  get all(): Slot[] {
    return [...this.#slots.values()]
  }

  /** Those that end meanwhile are left out. */
  [Symbol.iterator](): Iterator<Slot> {
    return this.#slots.values()
  }

  get keys(): Uint8Array[] {
    return this.all.map(({ key }) => key)
  }

  /** Those that are not to be left. */
  get staying(): Slot[] {
    return this.all.filter(({ stage }) => stage === 'trying' || stage === 'here')
  }

  get registrations(): Registration[] {
    return this.all.flatMap(({ registration }) => (registration === null ? [] : [registration]))
  }

  has(key: Uint8Array): boolean {
    return this.find(key) !== null
  }

  find(key: Uint8Array): Slot | null {
    return this.#slots.get(nameOf(key)) ?? null
  }

  /** @param insists - to be served there, and not to be sent on */
  add(key: Uint8Array, trail: RedirectTrail, insists: boolean): Slot {
    const slot: Slot = { key, trail, insists, registration: null, stage: 'trying', timer: null }
    this.#slots.set(nameOf(key), slot)
    return slot
  }

  /** The better one could not be had. */
  stay(): void {
    for (const slot of this.#slots.values()) if (slot.stage === 'tempted') slot.stage = 'here'
  }

  /** Closes its registration. */
  end(slot: Slot): void {
    clearTimeout(slot.timer)
    slot.registration?.close()
    if (this.#slots.get(nameOf(slot.key)) === slot) this.#slots.delete(nameOf(slot.key))
  }
}
