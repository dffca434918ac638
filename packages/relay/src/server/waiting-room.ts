/**
 * Who waits for whom. Of each target's openers every device has its turn, however many of its connections wait: the next one is of the device that was served
 * longest ago.
 */
export class WaitingRoom<Opener extends object> {
  /** Target → device → its openers, all in the order of their turns. */
  readonly #turns = new Map<string, Map<string, Set<Opener>>>()
  readonly #places = new Map<Opener, { readonly target: string; readonly device: string }>()

  /** All that wait. */
  get openers(): Iterable<Opener> {
    return this.#places.keys()
  }

  /** @param device - whose it is */
  add(target: string, device: string, opener: Opener): void {
    const turns = this.#turns.get(target) ?? new Map<string, Set<Opener>>()
    const openers = turns.get(device) ?? new Set()
    this.#turns.set(target, turns.set(device, openers.add(opener)))
    this.#places.set(opener, { target, device })
  }

  /** Takes the next one. @returns `null` where nobody waits for this target */
  next(target: string): Opener | null {
    const turns = this.#turns.get(target)
    const [device, openers] = turns?.entries().next().value ?? []
    const [opener] = openers ?? []
    if (turns === undefined || device === undefined || openers === undefined || opener === undefined)
      return null
    this.delete(opener)
    // To the end of the row, where more of it wait.
    if (turns.delete(device)) turns.set(device, openers)
    return opener
  }

  /** It waits no more, if it did. */
  delete(opener: Opener): void {
    const place = this.#places.get(opener)
    if (place === undefined) return
    this.#places.delete(opener)
    const turns = this.#turns.get(place.target)
    const openers = turns?.get(place.device)
    openers?.delete(opener)
    if (openers?.size === 0) turns?.delete(place.device)
    if (turns?.size === 0) this.#turns.delete(place.target)
  }
}
