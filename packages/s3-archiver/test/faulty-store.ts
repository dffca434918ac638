import {
  S3ArchiverError,
  type CallOptions,
  type ObjectInfo,
  type PutOptions,
  type RangeResult
} from '../src/index.ts'
import { Passing } from './bad-stores.ts'

/** What becomes of a call. `lost`: it is done, and the answer does not come. `late`: it is done only after the next call. */
export type Fate = 'fine' | 'refused' | 'lost' | 'late'

/** A store whose calls fail as they are told. */
export class FaultyStore extends Passing {
  /** Of the next puts; then they are fine. */
  fates: Fate[] = []
  readonly #late: (() => Promise<unknown>)[] = []
  calls = 0

  override async putIfAbsent(name: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean> {
    this.calls++
    const put = (): Promise<boolean> => this.inner.putIfAbsent(name, bytes, options)
    const fate = this.fates.shift() ?? 'fine'
    if (fate === 'refused')
      throw new S3ArchiverError('S3_ARCHIVER_STORE_THROTTLED', 'slow down', { retryable: true })
    if (fate === 'late') this.#late.push(put)
    if (fate === 'lost') await put()
    if (fate !== 'fine') throw timeout()
    const made = await put()
    await this.arrive()
    return made
  }

  override async getRange(
    name: string,
    range: { start: number; end: number },
    options?: CallOptions
  ): Promise<RangeResult | null> {
    this.calls++
    return super.getRange(name, range, options)
  }

  override async *list(prefix: string, options?: object): AsyncGenerator<ObjectInfo> {
    this.calls++
    yield* this.inner.list(prefix, options)
  }

  /** What was late is done now. */
  async arrive(): Promise<void> {
    for (const put of this.#late.splice(0)) await put()
  }
}

function timeout(): S3ArchiverError {
  return new S3ArchiverError('S3_ARCHIVER_STORE_TIMEOUT', 'no answer', { retryable: true, ambiguous: true })
}
