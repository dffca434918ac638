import type { ShareFault } from '../errors.ts'
import type { SetHeader } from '../types.ts'

/** What `combine` found. Only `secret` gives the secret away: a log or JSON of this object does not. */
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
}
