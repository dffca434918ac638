import b4a from 'b4a'
import RandomAccessStorage, { type StorageRequest } from 'random-access-storage'
import { S3ArchiverError } from '../errors.ts'
import type { ObjectStore } from '../store/object-store.ts'

/**
 * An object as a file that is only read, for what takes a `random-access-storage`. Opening one that is not there fails, and so does whatever would change
 * it. Cost: a request to open it, and one for each read. Nothing is checked or kept here.
 */
export class ObjectView extends RandomAccessStorage {
  readonly #store: ObjectStore
  readonly #name: string
  #size = 0

  constructor(store: ObjectStore, name: string) {
    super({ writable: false })
    this.#store = store
    this.#name = name
  }

  override _open(request: StorageRequest): void {
    this.#settle(request, async () => {
      const info = await this.#store.head(this.#name)
      if (info === null)
        throw new S3ArchiverError('S3_ARCHIVER_NOT_ARCHIVED', `there is no object ${this.#name}`)
      this.#size = info.size
      return null
    })
  }

  override _read(request: StorageRequest): void {
    const { offset, size } = request
    this.#settle(request, async () => {
      if (size === 0) return b4a.alloc(0)
      if (offset + size > this.#size)
        throw new S3ArchiverError('S3_ARCHIVER_BAD_ARGUMENT', 'the range goes beyond the object')
      const result = await this.#store.getRange(this.#name, { start: offset, end: offset + size })
      if (result?.bytes.byteLength === size) return result.bytes
      throw new S3ArchiverError('S3_ARCHIVER_STORE_TRUNCATED', 'the object was longer when it was opened')
    })
  }

  override _stat(request: StorageRequest): void {
    request.callback(null, { size: this.#size })
  }

  override _write(request: StorageRequest): void {
    request.callback(refusal())
  }

  override _del(request: StorageRequest): void {
    request.callback(refusal())
  }

  override _truncate(request: StorageRequest): void {
    request.callback(refusal())
  }

  #settle(request: StorageRequest, act: () => Promise<Uint8Array | null>): void {
    act().then(
      (value) => request.callback(null, value),
      (error: Error) => request.callback(error)
    )
  }
}

function refusal(): S3ArchiverError {
  return new S3ArchiverError('S3_ARCHIVER_STORE_READ_ONLY', 'an object is only read')
}
