import b4a from 'b4a'
import { memoryFor } from '../store/answers.ts'
import {
  checkObjectName,
  checkRange,
  throwIfAborted,
  type ByteRange,
  type CallOptions,
  type GetOptions,
  type ListOptions,
  type ObjectInfo,
  type ObjectStore,
  type PutOptions,
  type RangeResult
} from '../store/object-store.ts'

/** Objects in memory, for tests: does all that a store has to, and keeps nothing. */
export class MemoryStore implements ObjectStore {
  readonly readOnly = false
  readonly #objects = new Map<string, { bytes: Uint8Array; modifiedMs: number }>()
  readonly #now: () => number

  /** @param now - its clock, in ms since 1970. @defaultValue Date.now */
  constructor({ now = Date.now }: { now?: () => number } = {}) {
    this.#now = now
  }

  async putIfAbsent(name: string, bytes: Uint8Array, { signal }: PutOptions = {}): Promise<boolean> {
    checkObjectName(name)
    throwIfAborted(signal)
    if (this.#objects.has(name)) return false
    this.#objects.set(name, { bytes: b4a.from(bytes), modifiedMs: this.#now() })
    return true
  }

  async getRange(
    name: string,
    range: ByteRange,
    { signal, buffer }: GetOptions = {}
  ): Promise<RangeResult | null> {
    checkObjectName(name)
    checkRange(range)
    throwIfAborted(signal)
    const bytes = this.#objects.get(name)?.bytes
    if (bytes === undefined) return null
    const part = bytes.subarray(range.start, range.end)
    const answer = memoryFor(part.byteLength, buffer)
    answer.set(part)
    return { bytes: answer, size: bytes.byteLength }
  }

  async head(name: string, { signal }: CallOptions = {}): Promise<ObjectInfo | null> {
    checkObjectName(name)
    throwIfAborted(signal)
    return this.#infoOf(name)
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    const { after = '', limit = Infinity, signal } = options
    let left = limit
    for (const name of [...this.#objects.keys()].sort()) {
      throwIfAborted(signal)
      const info = this.#infoOf(name)
      if (left <= 0) return
      if (!name.startsWith(prefix) || name <= after || info === null) continue
      yield info
      left--
    }
  }

  async delete(name: string, { signal }: CallOptions = {}): Promise<void> {
    checkObjectName(name)
    throwIfAborted(signal)
    this.#objects.delete(name)
  }

  #infoOf(name: string): ObjectInfo | null {
    const object = this.#objects.get(name)
    return object === undefined
      ? null
      : { name, size: object.bytes.byteLength, modifiedMs: object.modifiedMs }
  }
}
