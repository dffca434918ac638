import type { IdentityState } from '../state/state.ts'
import { encodeAddition, encodeMemory, MAX_ADDITIONS } from './journal.ts'
import type { Sighting } from './recovery-watch.ts'
import { rememberedOf, type Seen } from './seen.ts'
import type { MemoryStore } from './types.ts'

/** What is in a store, and what came since and could not be kept: all goes on from that, and it is kept with what comes next. Its caller calls one method after the other. */
export class Keeper {
  readonly #store: MemoryStore
  /** What is in the store. */
  #seen: Seen
  /** The same, or what came since and could not be kept. All is weighed by this. */
  #heard: Seen
  /** How often what is in the store may be added to. */
  #room: number
  #ontaken: () => void = () => {}

  /** @param room - how often the store may be added to */
  constructor(store: MemoryStore, seen: Seen, room: number) {
    this.#store = store
    this.#seen = seen
    this.#heard = seen
    this.#room = room
  }

  /** In place of what is in a store. */
  static async begin(store: MemoryStore, seen: Seen): Promise<Keeper> {
    await store.write(encodeMemory(rememberedOf(seen)))
    return new Keeper(store, seen, MAX_ADDITIONS)
  }

  get seen(): Seen {
    return this.#seen
  }

  get heard(): Seen {
    return this.#heard
  }

  /** @param ontaken - called when something is in `heard`, before it is kept, till the next call */
  tell(ontaken: () => void): void {
    this.#ontaken = ontaken
  }

  /** What comes after all that is heard. */
  async add(
    fresh: readonly Uint8Array[],
    state: IdentityState,
    sightings: readonly Sighting[]
  ): Promise<void> {
    const heard = this.#heard
    if (fresh.length === 0 && sightings === heard.sightings) return
    const seen = { ...heard, state, sightings, events: [...heard.events, ...fresh] }
    const room = this.#room
    if (room === 0 || heard !== this.#seen || this.#store.append === undefined) return this.keep(seen)
    this.#take(seen)
    await this.#store.append(encodeAddition(fresh, sightings))
    this.#room = room - 1
    this.#seen = seen
  }

  async keep(seen: Seen): Promise<void> {
    this.#take(seen)
    await this.#write(seen)
  }

  /** What the person says counts when it is kept: till then she is asked again. */
  async keepDecision(seen: Seen): Promise<void> {
    this.#room = 0
    await this.#write(seen)
    this.#heard = seen
  }

  /** What could not be kept when it came. @returns whether there was any */
  async keepHeard(): Promise<boolean> {
    if (this.#heard === this.#seen) return false
    await this.keep(this.#heard)
    return true
  }

  #take(seen: Seen): void {
    this.#heard = seen
    // Of what fails a part may be there.
    this.#room = 0
    this.#ontaken()
  }

  async #write(seen: Seen): Promise<void> {
    await this.#store.write(encodeMemory(rememberedOf(seen)))
    this.#room = MAX_ADDITIONS
    this.#seen = seen
  }
}
