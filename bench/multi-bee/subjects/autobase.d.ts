// autobase 7.28.1
declare module 'autobase' {
  import type Corestore from 'corestore'
  import type Hyperbee from 'hyperbee'
  import type Hypercore from 'hypercore'

  type View = Hyperbee<string, unknown>

  interface AutobaseHandlers {
    open?: (store: { get(name: string): Hypercore }) => View
    apply?: (
      nodes: { value: unknown }[],
      view: View,
      host: { addWriter(key: Uint8Array, options: { indexer: boolean }): Promise<void> }
    ) => Promise<void>
    valueEncoding?: string
    /** Reorders after more remote blocks than 64. @defaultValue false */
    bigBatches?: boolean
  }

  export default class Autobase {
    constructor(store: Corestore, key: Uint8Array | null, handlers?: AutobaseHandlers)
    readonly key: Uint8Array
    readonly local: Hypercore & { key: Uint8Array }
    readonly view: View
    readonly writable: boolean
    readonly isIndexer: boolean
    ready(): Promise<void>
    close(): Promise<void>
    append(value: unknown): Promise<number>
    ack(): Promise<void>
    /** Resolves when what is being written to disk is there. */
    flush(): Promise<void>
    replicate(isInitiator: boolean): object
    on(event: 'update', fn: () => void): this
    off(event: 'update', fn: () => void): this
  }
}
