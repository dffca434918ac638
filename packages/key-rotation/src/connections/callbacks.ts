import b4a from 'b4a'
import type { IdentityMemory } from '../memory/identity-memory.ts'
import type { Duplicity, Superseded } from '../memory/types.ts'
import type { AuthenticatorOptions, Refusal } from './types.ts'

/** What an app is told, each thing once. Whatever the app does with it ends in `onerror`. */
export class Callbacks {
  readonly #memory: IdentityMemory
  readonly #options: AuthenticatorOptions
  #hash: Uint8Array
  #duplicity: Duplicity | null = null
  #superseded: Superseded | null = null

  /** What a person still has to see from before a restart is told as soon as the caller has finished. */
  constructor(memory: IdentityMemory, options: AuthenticatorOptions) {
    this.#memory = memory
    this.#options = options
    this.#hash = memory.state.hash
    void Promise.resolve().then(() => this.show())
  }

  /** What is in the memory, and was not told. */
  show(): void {
    const { state, duplicity, superseded } = this.#memory
    const { onstate, onduplicity, onsuperseded } = this.#options
    const before = { hash: this.#hash, duplicity: this.#duplicity, superseded: this.#superseded }
    // First: a callback may have this called again.
    this.#hash = state.hash
    this.#duplicity = duplicity
    this.#superseded = superseded
    if (!b4a.equals(state.hash, before.hash)) this.#call(() => onstate?.(state))
    if (duplicity !== null && duplicity !== before.duplicity) this.#call(() => onduplicity?.(duplicity))
    if (superseded !== null && superseded !== before.superseded) this.#call(() => onsuperseded?.(superseded))
  }

  refused(refusal: Refusal): void {
    this.#call(() => this.#options.onrefused?.(refusal))
  }

  /** Of this device's own: a callback, or the memory's store. */
  failed(error: unknown): void {
    const { onerror = throwLater } = this.#options
    try {
      onerror(error)
    } catch (own) {
      // Whoever told this is not to be taken for who failed.
      throwLater(own)
    }
  }

  #call(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.failed(error)
    }
  }
}

function throwLater(error: unknown): void {
  setTimeout(() => {
    throw error
  }, 0)
}
