// random-access-storage 3.0.2
declare module 'random-access-storage' {
  /** What was asked for, with what to call once it is done. Not to be called twice. */
  export interface StorageRequestOptions {
    readonly offset: number
    readonly size: number
    callback(error: Error | null, value?: unknown): void
  }
  export type StorageRequest = StorageRequestOptions

  export default class RandomAccessStorage {
    constructor(options?: { writable?: boolean })
    readonly opened: boolean
    readonly closed: boolean
    open(callback: (error: Error | null) => void): void
    read(offset: number, size: number, callback: (error: Error | null, bytes?: Uint8Array) => void): void
    stat(callback: (error: Error | null, stat?: { size: number }) => void): void
    write(offset: number, bytes: Uint8Array, callback?: (error: Error | null) => void): void
    del(offset: number, size: number, callback?: (error: Error | null) => void): void
    truncate(offset: number, callback?: (error: Error | null) => void): void
    close(callback?: (error: Error | null) => void): void
    _open(request: StorageRequest): void
    _read(request: StorageRequest): void
    _write(request: StorageRequest): void
    _del(request: StorageRequest): void
    _truncate(request: StorageRequest): void
    _stat(request: StorageRequest): void
  }
}
