// hyperbee 2.27.3
declare module 'hyperbee' {
  import type Hypercore from 'hypercore'
  import type { ReplicationStream } from 'hypercore'
  import type NoiseSecretStream from '@hyperswarm/secret-stream'
  import type { Codec, CodecName, CompactEncoding } from 'codecs'

  type BeeEncoding = CodecName | Codec<never, unknown> | CompactEncoding<never, unknown>

  export interface HyperbeeOptions {
    /** @defaultValue bytes in, bytes out */
    keyEncoding?: BeeEncoding
    /** @defaultValue bytes in, bytes out */
    valueEncoding?: BeeEncoding
    /** False turns the peer hints off. */
    extension?: boolean
    metadata?: { contentFeed?: Uint8Array; userData?: Uint8Array }
    readonly?: boolean
    sep?: Uint8Array | string
    /** False: a put of the same value appends nothing. */
    alwaysDuplicate?: boolean
    /** False: reads use the bee's core itself instead of a snapshot session. */
    sessions?: boolean
  }

  export interface BeeEntry<K, V> {
    seq: number
    key: K
    value: V
  }

  export interface BeeRange<K> {
    gt?: K
    gte?: K
    lt?: K
    lte?: K
  }

  export interface BeeReadOptions {
    wait?: boolean
    timeout?: number
    update?: boolean
    onseq?: (seq: number) => void
    keyEncoding?: BeeEncoding
    valueEncoding?: BeeEncoding
  }

  export interface BeeStreamOptions extends BeeReadOptions {
    reverse?: boolean
    limit?: number
    extension?: boolean
  }

  /** `cas` is asked when the key is there already; false keeps the old entry. */
  export interface BeeWriteOptions<K, V> {
    cas?: (previous: BeeEntry<K, V>, next: BeeEntry<K, V>) => boolean | Promise<boolean>
    keyEncoding?: BeeEncoding
    valueEncoding?: BeeEncoding
  }

  export interface BeeWatchOptions {
    /** Also yields what is there already. */
    eager?: boolean
    keyEncoding?: BeeEncoding
    valueEncoding?: BeeEncoding
  }

  export interface BeeHistoryOptions extends BeeReadOptions {
    gt?: number
    gte?: number
    lt?: number
    lte?: number
    live?: boolean
    reverse?: boolean
    limit?: number
  }

  export interface BeeStream<T> extends AsyncIterable<T> {
    destroy(error?: Error | null): void
  }

  export interface BeeBatch<K, V> {
    readonly version: number
    ready(): Promise<void>
    /** Takes the bee's write lock, which `flush` and `close` free. */
    lock(): Promise<void>
    get(key: K): Promise<BeeEntry<K, V> | null>
    put(key: K, value: V, options?: BeeWriteOptions<K, V>): Promise<void>
    del(key: K, options?: BeeWriteOptions<K, V>): Promise<void>
    peek(range?: BeeRange<K>, options?: BeeStreamOptions): Promise<BeeEntry<K, V> | null>
    createReadStream(range?: BeeRange<K>, options?: BeeStreamOptions): BeeStream<BeeEntry<K, V>>
    /** One append for all of it. */
    flush(): Promise<void>
    close(): Promise<void>
  }

  /** Each step is [now, before]; both snapshots are closed at the next step. */
  export interface BeeWatcher<K, V> extends AsyncIterable<[Hyperbee<K, V>, Hyperbee<K, V>]> {
    ready(): Promise<void>
    close(): Promise<void>
  }

  /** A bee opens its core and **closes it too**. */
  export default class Hyperbee<K = Uint8Array, V = Uint8Array> {
    constructor(core: Hypercore, options?: HyperbeeOptions)

    static isHyperbee(core: Hypercore, options?: { wait?: boolean; timeout?: number }): Promise<boolean>

    readonly core: Hypercore
    readonly opened: boolean
    readonly closed: boolean
    readonly closing: Promise<void> | null
    /** Length of the core that is read; at least 1. */
    readonly version: number
    readonly id: string | null
    readonly key: Uint8Array | null
    readonly discoveryKey: Uint8Array | null
    readonly writable: boolean
    readonly readable: boolean

    ready(): Promise<void>
    close(): Promise<void>
    get(key: K, options?: BeeReadOptions): Promise<BeeEntry<K, V> | null>
    getBySeq(seq: number, options?: BeeReadOptions): Promise<{ key: K; value: V }>
    put(key: K, value: V, options?: BeeWriteOptions<K, V>): Promise<void>
    del(key: K, options?: BeeWriteOptions<K, V>): Promise<void>
    batch(options?: BeeReadOptions): BeeBatch<K, V>
    peek(range?: BeeRange<K>, options?: BeeStreamOptions): Promise<BeeEntry<K, V> | null>
    createReadStream(range?: BeeRange<K>, options?: BeeStreamOptions): BeeStream<BeeEntry<K, V>>
    createHistoryStream(options?: BeeHistoryOptions): BeeStream<BeeEntry<K, V> & { type: 'put' | 'del' }>
    createDiffStream(
      other: number | Hyperbee<K, V>,
      range?: BeeRange<K>,
      options?: BeeStreamOptions
    ): BeeStream<{ left: BeeEntry<K, V> | null; right: BeeEntry<K, V> | null }>
    watch(range?: BeeRange<K>, options?: BeeWatchOptions): BeeWatcher<K, V>
    sub(prefix: string | Uint8Array, options?: HyperbeeOptions): Hyperbee<K, V>
    snapshot(options?: HyperbeeOptions): Hyperbee<K, V>
    checkout(version: number, options?: HyperbeeOptions): Hyperbee<K, V>
    update(options?: { wait?: boolean; force?: boolean }): Promise<boolean>
    getHeader(options?: { wait?: boolean; timeout?: number }): Promise<unknown>
    replicate(isInitiator: boolean | ReplicationStream): ReplicationStream
    replicate(stream: NoiseSecretStream): NoiseSecretStream
    on(event: 'ready' | 'close', fn: () => void): this
    once(event: 'ready' | 'close', fn: () => void): this
    off(event: 'ready' | 'close', fn: () => void): this
  }
}
