import type { LastBeat } from '../replicas/heartbeat.ts'
import type { KnownReplicas } from './known-replicas.ts'
import type { ReplicaSlots, Slot } from './replica-slots.ts'

/** What {@link ReplicaMoves} need of the registrations. */
export interface ReplicaMovesOptions {
  readonly known: KnownReplicas
  readonly slots: ReplicaSlots
  /** At how many replicas a device is registered. */
  readonly registrations: number
  /** How long who has set out for this device may take to arrive, in milliseconds. */
  readonly attemptMs: number
  /** Registers somewhere. */
  readonly begin: (key: Uint8Array) => void
  /** Registers where it is missing. */
  readonly fill: () => void
  /** It has left one, which stands. */
  readonly onleft: (slot: Slot) => void
}

/** When a device leaves a replica where it is registered: one that drains, that may be dead, or where another one is clearly better. It is somewhere else first. */
export class ReplicaMoves {
  readonly #options: ReplicaMovesOptions

  constructor(options: ReplicaMovesOptions) {
    this.#options = options
  }

  /** It is asked to go. */
  leave(slot: Slot): void {
    if (!isWell(slot) && slot.stage !== 'doubted') return
    slot.stage = 'moving'
    this.#options.fill()
    this.arrived()
  }

  /** A relay's word that another one may be dead is no proof: that one is asked, and, so that no time is lost, another one whether it takes this device. */
  doubt(last: LastBeat): void {
    const { known, slots, fill } = this.#options
    if (!known.view.missed(last)) return
    const slot = slots.find(last.replica)
    if (slot === null || !isWell(slot) || slot.registration?.ask() !== true) return
    slot.stage = 'doubted'
    fill()
  }

  /** It was asked whether it is there, and is. */
  answered(slot: Slot): void {
    this.#options.known.view.reached(slot.key)
    if (slot.stage === 'doubted') this.#believe(slot)
    // Not with every beat: one move makes loads that all hear of, and all would move after all.
    else this.#balance(slot)
  }

  /**
   * It is registered somewhere. Once there are as many elsewhere as there should or can be, what was to be left is left: a moment later, for those who are on
   * their way.
   */
  arrived(): void {
    const { known, slots, registrations, attemptMs, onleft } = this.#options
    const { staying } = slots
    if (staying.length === 0 || staying.some(({ stage }) => stage === 'trying')) return
    if (staying.length < registrations && known.choose(slots.keys) !== null) return
    for (const slot of slots) {
      if (slot.stage !== 'moving' && slot.stage !== 'tempted') continue
      slot.stage = 'leaving'
      slot.timer = setTimeout(() => {
        slots.end(slot)
        onleft(slot)
      }, attemptMs)
    }
  }

  #believe(slot: Slot): void {
    const { slots, registrations } = this.#options
    slot.stage = 'here'
    const { staying } = slots
    if (staying.length <= registrations) return
    const spare = staying.find(({ stage }) => stage === 'trying') ?? null
    if (spare !== null) return slots.end(spare)
    slot.stage = 'moving'
    this.arrived()
  }

  /** Moves when another one would do clearly better: one at a time. */
  #balance(slot: Slot): void {
    const { known, slots, begin } = this.#options
    const { all } = slots
    if (all.some(({ stage }) => stage !== 'here')) return
    const others = all.filter((other) => other !== slot).map(({ key }) => key)
    const better = known.better(slot.key, others)
    if (better === null) return
    slot.stage = 'tempted'
    begin(better)
  }
}

/** Whether it stands, and nothing is wrong with it. */
function isWell({ stage }: Slot): boolean {
  return stage === 'here' || stage === 'tempted'
}
