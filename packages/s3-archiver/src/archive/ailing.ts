import b4a from 'b4a'
import type { S3ArchiverError } from '../errors.ts'

const FIRST_WAIT_MS: number = 60 * 1000
const LAST_WAIT_MS: number = 60 * 60 * 1000

interface Ailment {
  error: S3ArchiverError
  sinceMs: number
  waitMs: number
}

/** Cores whose blocks are not those that were signed. To see that, all that is new of them is read and uploaded; so each is tried again a minute later, and then later and later. */
export class Ailing {
  readonly #now: () => number
  readonly #known = new Map<string, Ailment>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** What was wrong with a core, when it is not to be tried again yet. */
  ailmentOf(key: Uint8Array): S3ArchiverError | null {
    const known = this.#known.get(idOf(key))
    if (known === undefined) return null
    const passedMs = this.#now() - known.sinceMs
    return passedMs >= 0 && passedMs < known.waitMs ? known.error : null
  }

  note(key: Uint8Array, error: S3ArchiverError): void {
    const { waitMs = FIRST_WAIT_MS / 2 } = this.#known.get(idOf(key)) ?? {}
    const next = Math.min(LAST_WAIT_MS, 2 * waitMs)
    this.#known.set(idOf(key), { error, sinceMs: this.#now(), waitMs: next })
  }

  forget(key: Uint8Array): void {
    this.#known.delete(idOf(key))
  }
}

function idOf(key: Uint8Array): string {
  return b4a.toString(key, 'hex')
}
