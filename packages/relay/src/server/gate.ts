import type { ControlMessage } from '../protocol/control.ts'
import { refusal, type Refusal } from '../protocol/refusal.ts'
import type { FleetDesk } from './fleet-desk.ts'
import type { RelayServerOptions } from './options.ts'
import type { SpliceSide } from './splice.ts'

/** What is known of other relays that may serve a device. */
export interface GateOptions extends Pick<RelayServerOptions, 'redirect' | 'drainMs'> {
  readonly fleet: FleetDesk | null
}

/** Who is served here, who is sent on to another relay, and who is asked to come back later. */
export class Gate {
  readonly #options: GateOptions
  #draining = false

  constructor(options: GateOptions) {
    this.#options = options
  }

  get draining(): boolean {
    return this.#draining
  }

  /** From now on nobody new is served. */
  drain(): void {
    this.#draining = true
  }

  /** Why a device cannot have its first wish here now; `null` when it can. */
  closedTo(device: Uint8Array, wish: ControlMessage): Refusal | null {
    // Who opens is served: its target may be here. Who insists has followed enough of them.
    const isSentOn = wish.type === 'register' && !wish.insists
    const redirect = isSentOn ? (this.#options.redirect?.(device) ?? null) : null
    if (redirect !== null) return refusal('RELAY_REDIRECT', { redirect })
    const { drainMs: retryAfterMs = 10_000, fleet } = this.#options
    if (fleet !== null) return fleet.closedTo(device, wish, retryAfterMs)
    if (wish.type === 'watch') return refusal('RELAY_NO_SCOPE')
    return this.#draining ? refusal('RELAY_DRAINING', { retryAfterMs }) : null
  }

  /** What is said to somebody who is served here, and has to leave. */
  away({ lease }: SpliceSide): Refusal {
    const { redirect: elsewhere, fleet } = this.#options
    const asked = lease === null ? null : (elsewhere?.(lease.device) ?? null)
    const redirect = asked ?? fleet?.member.redirect() ?? null
    return redirect === null ? refusal('RELAY_DRAINING') : refusal('RELAY_REDIRECT', { redirect })
  }
}
