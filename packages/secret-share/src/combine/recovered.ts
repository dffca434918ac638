import type { ShareFault } from '../errors.ts'
import type { SetHeader } from '../types.ts'

/** What Node, Bare and Electron ask an object for before they show it; others show no private fields. */
const INSPECT: symbol = Symbol.for('nodejs.util.inspect.custom')

/** What a log shows in place of what was found. */
export interface RecoveredSummary {
  readonly label: string
  readonly epoch: number
  readonly used: readonly number[]
  readonly faults: readonly ShareFault[]
}

/** What `combine` found. Only `secret` gives the secret away: a log, a debugger's listing or JSON of this object does not. */
export class Recovered {
  readonly header: SetHeader
  /** The numbers of the shares that the secret was made of. */
  readonly used: readonly number[]
  /** Each share given that was no good, in the order given. */
  readonly faults: readonly ShareFault[]
  readonly #secret: Uint8Array

  constructor(secret: Uint8Array, header: SetHeader, used: readonly number[], faults: readonly ShareFault[]) {
    this.#secret = secret
    this.header = header
    this.used = used
    this.faults = faults
  }

  /** The secret. The caller's from now on: overwrite it after use. */
  get secret(): Uint8Array {
    return this.#secret
  }

  /** Nothing secret. */
  toJSON(): RecoveredSummary {
    const { label, epoch } = this.header
    return { label, epoch, used: this.used, faults: this.faults }
  }

  static {
    Object.defineProperty(this.prototype, INSPECT, {
      value(this: Recovered) {
        return this.toJSON()
      }
    })
  }
}
