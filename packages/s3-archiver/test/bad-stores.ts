import type {
  ByteRange,
  CallOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutOptions,
  RangeResult
} from '../src/index.ts'

/** Hands everything on; what a test wants otherwise it overrides. */
export class Passing implements ObjectStore {
  readonly inner: ObjectStore
  readonly readOnly: boolean

  constructor(inner: ObjectStore) {
    this.inner = inner
    this.readOnly = inner.readOnly
  }

  putIfAbsent(name: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean> {
    return this.inner.putIfAbsent(name, bytes, options)
  }

  getRange(name: string, range: ByteRange, options?: CallOptions): Promise<RangeResult | null> {
    return this.inner.getRange(name, range, options)
  }

  head(name: string, options?: CallOptions): Promise<ObjectInfo | null> {
    return this.inner.head(name, options)
  }

  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo> {
    return this.inner.list(prefix, options)
  }

  delete(name: string, options?: CallOptions): Promise<void> {
    return this.inner.delete(name, options)
  }
}

/** Ignores the condition, as s3rver does: what comes last stays. */
export class Overwriting extends Passing {
  override async putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    await this.inner.delete(name)
    await this.inner.putIfAbsent(name, bytes)
    return true
  }
}

/** Ignores the condition, and keeps what came first. */
export class Deaf extends Passing {
  override async putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    await this.inner.putIfAbsent(name, bytes)
    return true
  }
}

/** Looks whether there is one, and then writes: right for one client at a time. */
export class LookingFirst extends Passing {
  override async putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    if ((await this.inner.head(name)) !== null) return false
    await new Promise((resolve) => setImmediate(resolve))
    await this.inner.delete(name)
    await this.inner.putIfAbsent(name, bytes)
    return true
  }
}

/** Lists in no order, as directory buckets do. */
export class Unsorted extends Passing {
  override async *list(prefix: string, { limit = Infinity }: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    const all: ObjectInfo[] = []
    for await (const info of this.inner.list(prefix)) all.unshift(info)
    yield* all.slice(0, limit)
  }
}

/** Lists what was there a while ago. */
export class Late extends Passing {
  override async *list(prefix: string, options?: ListOptions): AsyncGenerator<ObjectInfo> {
    for await (const info of this.inner.list(prefix, options)) if (!info.name.endsWith('/a')) yield info
  }
}
