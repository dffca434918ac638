// hyperdrive 13.3.4
declare module 'hyperdrive' {
  import type Corestore from 'corestore'
  import type Hypercore from 'hypercore'

  export default class Hyperdrive {
    /** @param key - of a drive that exists; without one a new one is made */
    constructor(corestore: Corestore, key?: Uint8Array | null)
    readonly core: Hypercore
    readonly key: Uint8Array
    ready(): Promise<void>
    close(): Promise<void>
    put(path: string, content: Uint8Array): Promise<unknown>
    get(path: string): Promise<Uint8Array | null>
    /** `null` while it is not known where they are. */
    getBlobs(): Promise<{ core: Hypercore } | null>
    update(options?: { wait?: boolean }): Promise<boolean>
  }
}
