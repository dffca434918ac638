import {
  S3ArchiverError,
  type ByteRange,
  type CallOptions,
  type ObjectStore,
  type PutOptions,
  type RangeResult
} from '../src/index.ts'
import { Passing } from './bad-stores.ts'

/** Ends after so many calls, as if the machine had lost its power: nothing that is called later is done. */
export class CrashingStore extends Passing {
  #left: number
  readonly #isLastDone: boolean

  /** @param isLastDone - whether the last call is done, without an answer */
  constructor(inner: ObjectStore, calls: number, isLastDone: boolean) {
    super(inner)
    this.#left = calls
    this.#isLastDone = isLastDone
  }

  get hasCrashed(): boolean {
    return this.#left < 0
  }

  override async putIfAbsent(name: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean> {
    if (this.#count()) return super.putIfAbsent(name, bytes, options)
    if (this.#left === -1 && this.#isLastDone) await super.putIfAbsent(name, bytes, options)
    throw crashed()
  }

  override async getRange(
    name: string,
    range: ByteRange,
    options?: CallOptions
  ): Promise<RangeResult | null> {
    if (!this.#count()) throw crashed()
    return super.getRange(name, range, options)
  }

  override async delete(name: string, options?: CallOptions): Promise<void> {
    if (this.#count()) return super.delete(name, options)
    if (this.#left === -1 && this.#isLastDone) await super.delete(name, options)
    throw crashed()
  }

  #count(): boolean {
    return this.#left-- > 0
  }
}

function crashed(): S3ArchiverError {
  return new S3ArchiverError('S3_ARCHIVER_STORE_FAILED', 'the machine is off', { ambiguous: true })
}
