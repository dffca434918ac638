import b4a from 'b4a'
import z32 from 'z32'
import { checkName, checkOptions, checkStore, parseKey, requireKey, requireOptions } from './arguments.ts'
import { Announcer } from './bee/announcer.ts'
import { Connections } from './bee/connections.ts'
import { additionOf, checkSomebodyIsLeft, removalOf } from './bee/members.ts'
import { VersionNote } from './bee/version-note.ts'
import { BeeEditor } from './bee/bee-editor.ts'
import type { ReadPoint } from './bee/bee-reader.ts'
import { Mirror, type MirrorBee, type MirrorOptions } from './bee/mirror.ts'
import { ChangeFeed, type OpenDatabase } from './bee/open-database.ts'
import { checkEncryptionKey, Draft, openIdentity, type Identity } from './bee/open.ts'
import { quarantined, reissue } from './bee/quarantine.ts'
import { deviceStatuses, isSynced, writerInfos } from './bee/status.ts'
import { SubBee, subKeyspace, type SubOptions } from './bee/sub-bee.ts'
import { Engine } from './engine/engine.ts'
import type { EngineHost } from './engine/parts.ts'
import { MultiBeeError } from './errors.ts'
import { discoveryKeyOf, HypercoreLog, openStore, randomBytes, storePath } from './hypercore-adapter.ts'
import { Keyspace } from './keyspace.ts'
import type { JoinOptions, MultiBeeEvents, MultiBeeOptions, Removal, RemoveWriterOptions } from './options.ts'
import { becomesWritable } from './pairing/becomes-writable.ts'
import { showInvite } from './pairing/join.ts'
import { PairingDesk, type Invite, type InviteOptions } from './pairing/host.ts'
import type { DuplexLike, SignalLike, Status, StoreLike, SwarmLike, WriterInfo } from './types.ts'
import { RocksViewStore } from './view/rocks-view-store.ts'
import { View } from './view/view.ts'

/**
 * One database that all devices of a person write, offline too. Hyperbee's interface; MERGE.md says how edits become one state.
 *
 * Borrows the Corestore: opens cores in it, never closes it. Owns the view in `directory`, which is a cache of the logs.
 *
 * @example
 * ```ts
 * const db = new MultiBee(store, { name: 'laptop' })
 * await db.put('contacts/ada', { name: 'Ada' })
 * ```
 */
export class MultiBee<K = string, V = unknown> extends BeeEditor<K, V> {
  readonly #store: StoreLike
  readonly #options: MultiBeeOptions
  readonly #connections = new Connections((error) => this.#fail(error))
  readonly #changes = new ChangeFeed()
  readonly #closers: (() => unknown)[] = []
  readonly #announcer = new Announcer<K>(this, this.keyspace)
  #identity: Identity | null = null
  #versions: VersionNote | null = null
  #engine: Engine | null = null
  #database: OpenDatabase | null = null
  #desk: PairingDesk | null = null
  #failure: Error | null = null
  /** Why the database could not be opened. */
  #openFailure: unknown = null

  /**
   * @throws MultiBeeError `MULTI_BEE_BAD_ARGUMENT`
   */
  constructor(store: StoreLike, options: MultiBeeOptions = {}) {
    const { keyEncoding = 'utf-8', valueEncoding = 'json' } = checkOptions(options)
    super(new Keyspace(keyEncoding, valueEncoding))
    this.#store = checkStore(store)
    this.#options = options
    this.ready().catch(() => {})
  }

  /**
   * Joins a database on a new device: shows the invite, waits until a member lets this device in, and opens the database. Resolves when
   * it is writable. Replicates over the swarm's connections until the database closes.
   *
   * @param invite - `code` of an {@link Invite}
   * @throws MultiBeeError `MULTI_BEE_BAD_INVITE`, `MULTI_BEE_INVITE_EXPIRED`, `MULTI_BEE_INVITE_USED`, `MULTI_BEE_INVITE_REJECTED`,
   * `MULTI_BEE_JOIN_ABORTED`
   */
  static async join<K = string, V = unknown>(
    store: StoreLike,
    invite: string,
    { swarm, signal, ...options }: JoinOptions
  ): Promise<MultiBee<K, V>> {
    const { name = '', clock = Date.now } = checkOptions(options)
    await openStore(store)
    // The log this device will write is made first: its key is what the member lets in.
    const draft = await Draft.open(store)
    const granted = await showInvite(invite, { writer: draft.key, name }, swarm, clock(), signal)
    await draft.adopt(granted.key, options.encryptionKey === undefined ? granted.encryptionKey : undefined)
    const db = new MultiBee<K, V>(store, { ...options, key: granted.key })
    await db.#follow(swarm, signal)
    await draft.finish()
    return db
  }

  /** Key of the database, which is that of its first log; 32 bytes. Known once opened, or when passed. */
  get key(): Uint8Array | null {
    return this.#identity?.key ?? parseKey(this.#options.key)
  }

  /** The key in z-base-32. */
  get id(): string | null {
    return this.key === null ? null : z32.encode(this.key)
  }

  /** Topic on which devices of this database find each other. Reveals nothing that could be read with it. */
  get discoveryKey(): Uint8Array | null {
    return this.key === null ? null : discoveryKeyOf(this.key)
  }

  /** Key of this device's own log; 32 bytes. */
  get writerKey(): Uint8Array | null {
    const state = this.#engine?.state
    return state === undefined ? (this.#identity?.own.key ?? null) : state.writers.keyOf(state.self)
  }

  /** Whether this device is a member. */
  get writable(): boolean {
    return (
      this.closing === null &&
      this.#engine !== null &&
      this.#engine.state.membership.isActive(this.#engine.state.self)
    )
  }

  /** Transactions applied on this device; 0 before the database is open. */
  get version(): number {
    return this.#engine?.state.version ?? 0
  }

  /** What encrypts the logs; `null` when nothing does, or before the database is open. */
  get encryptionKey(): Uint8Array | null {
    return this.#identity?.encryptionKey ?? null
  }

  /** A part of the database, under a prefix. */
  sub<SK = K, SV = V>(prefix: string | Uint8Array, options: SubOptions = {}): SubBee<SK, SV> {
    return new SubBee<SK, SV>(
      this as unknown as BeeEditor<never, never>,
      subKeyspace(this.keyspace, prefix, options)
    )
  }

  /**
   * Replicates this database, and nothing else, over a connection. Lives beside `store.replicate` on the same one.
   *
   * @param isInitiatorOrStream - an encrypted stream (Hyperswarm's connection), or a boolean for a new protocol stream
   */
  replicate<S extends DuplexLike = DuplexLike>(isInitiatorOrStream: boolean | S, options: object = {}): S {
    // A swarm may hand over a connection after the database was closed: then there is nothing to do with it.
    if (this.closing !== null && typeof isInitiatorOrStream !== 'boolean') return isInitiatorOrStream
    if (this.closing !== null) throw new MultiBeeError('MULTI_BEE_CLOSED', 'the database is closed')
    return this.#connections.attach(isInitiatorOrStream, options) as S
  }

  /**
   * Invites one device. The returned code is a secret: whoever has it can ask to be let in.
   *
   * @throws MultiBeeError `MULTI_BEE_NOT_WRITABLE`, `MULTI_BEE_BAD_ARGUMENT`
   */
  async createInvite(options: InviteOptions): Promise<Invite> {
    await this.database()
    this.#requireWritable()
    const { key, encryptionKey } = this.#opened()
    this.#desk ??= new PairingDesk({
      key,
      discoveryKey: discoveryKeyOf(key),
      encryptionKey,
      now: this.#options.clock ?? Date.now,
      admit: (candidate) => this.addWriter(candidate.key, { name: candidate.name })
    })
    return this.#desk.invite(options)
  }

  /**
   * Lets a device write. A record in the log: it reaches every member, and the device itself.
   *
   * @param key - of its log, as its `writerKey` says
   * @throws MultiBeeError `MULTI_BEE_NOT_WRITABLE`, `MULTI_BEE_BAD_ARGUMENT`, `MULTI_BEE_WRITER_RETIRED` for one that was removed
   */
  async addWriter(key: Uint8Array | string, options: { name?: string } = {}): Promise<void> {
    const { name = '' } = requireOptions(options)
    const writer = requireKey(key)
    checkName(name)
    const { engine } = await this.database()
    const record = additionOf(engine.state, writer, name)
    if (record !== null) await engine.submit({ type: 'membership', records: [record] })
  }

  /**
   * Removes a device, with all logs it has written one after the other. What it wrote up to the cut-off stays; what comes after counts
   * nowhere, also where it was merged already. Of two machines that came from one copied store both are removed: either has the other's key.
   * Cost, on every device: reads all logs, twice or three times.
   *
   * @throws MultiBeeError `MULTI_BEE_NOT_WRITABLE`, `MULTI_BEE_UNKNOWN_WRITER`, `MULTI_BEE_BAD_ARGUMENT`
   */
  async removeWriter(key: Uint8Array | string, options: RemoveWriterOptions = {}): Promise<Removal<K>> {
    const { length } = requireOptions(options)
    const writer = requireKey(key)
    const { engine } = await this.database()
    const records = await removalOf(engine.state, writer, length)
    this.#requireWritable()
    checkSomebodyIsLeft(engine.state, records)
    await engine.submit({ type: 'membership', records })
    return this.quarantined(writer)
  }

  /**
   * What a removed device wrote past its cut-off, as far as it is here. More may arrive.
   *
   * @throws MultiBeeError `MULTI_BEE_UNKNOWN_WRITER` for one that was not removed
   */
  async quarantined(key: Uint8Array | string): Promise<Removal<K>> {
    const { engine } = await this.database()
    const id = engine.state.writers.find(requireKey(key))
    const cutOff = engine.state.membership.get(id)?.cutOff
    if (!cutOff) throw new MultiBeeError('MULTI_BEE_UNKNOWN_WRITER', 'this key is no removed device')
    const operations = await quarantined<K>(engine, id, this.keyspace)
    return { cutOff: { ...cutOff }, quarantined: operations, reissue: () => reissue(engine, id) }
  }

  /** Members and former members, in order of joining. */
  async writers(): Promise<WriterInfo[]> {
    const { engine } = await this.database()
    return writerInfos(engine.state)
  }

  /** What this device knows of every device. */
  async status(): Promise<Status> {
    const database = await this.database()
    return {
      version: database.engine.state.version,
      devices: await deviceStatuses(database),
      epoch: this.#identity?.epochs.last ?? null,
      failure: this.#failure
    }
  }

  /**
   * Whether this device and another have the same.
   *
   * @param peer - `remotePublicKey` of a connection, for what both sides hold now; or a writer's key, for what its log says it had merged
   * @throws MultiBeeError `MULTI_BEE_UNKNOWN_WRITER`
   */
  async synced(peer: Uint8Array | { remotePublicKey: Uint8Array }): Promise<boolean> {
    const key = requireKey(
      peer instanceof Uint8Array ? peer : (peer as { remotePublicKey?: unknown } | undefined)?.remotePublicKey
    )
    return isSynced(await this.database(), key)
  }

  /**
   * Keeps an ordinary Hyperbee equal to what this database shows, to share it, archive it, or stream it from object storage.
   *
   * @returns once the bee shows what the database showed when this was called
   */
  async mirror(bee: MirrorBee, options?: MirrorOptions): Promise<Mirror> {
    if (typeof bee?.ready !== 'function')
      throw new MultiBeeError('MULTI_BEE_BAD_ARGUMENT', 'a mirror is a Hyperbee')
    await bee.ready()
    const mirror = new Mirror(this as never, bee, options)
    this.#closers.push(() => mirror.close())
    await mirror.ready()
    return mirror
  }

  /** Merges what is here, and writes the view to disk. Acknowledged puts are safe without it; the next open is faster with it. */
  async flush(): Promise<void> {
    const { engine } = await this.database()
    await engine.flush()
  }

  /** Same as `close()`; the store stays open. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  override on<E extends keyof MultiBeeEvents<K>>(
    event: E,
    listener: (...args: MultiBeeEvents<K>[E]) => void
  ): this
  override on(event: string | symbol, listener: (...args: never[]) => void): this
  override on(event: string | symbol, listener: (...args: never[]) => void): this {
    return super.on(event, listener as (...args: unknown[]) => void)
  }

  override once<E extends keyof MultiBeeEvents<K>>(
    event: E,
    listener: (...args: MultiBeeEvents<K>[E]) => void
  ): this
  override once(event: string | symbol, listener: (...args: never[]) => void): this
  override once(event: string | symbol, listener: (...args: never[]) => void): this {
    return super.once(event, listener as (...args: unknown[]) => void)
  }

  /** @internal */
  openedDatabase(): OpenDatabase | null {
    return this.closing === null ? this.#database : null
  }

  /** @internal */
  async database(): Promise<OpenDatabase> {
    if (this.#openFailure !== null) throw this.#openFailure
    if (this.closing !== null) throw new MultiBeeError('MULTI_BEE_CLOSED', 'the database is closed')
    if (!this.opened) await this.ready()
    if (this.#database === null) throw new MultiBeeError('MULTI_BEE_CLOSED', 'the database is closed')
    return this.#database
  }

  /** @internal */
  readPoint({ engine }: OpenDatabase): ReadPoint {
    const { base } = engine
    return { version: base.version, base }
  }

  protected override async _open(): Promise<void> {
    await openStore(this.#store)
    const {
      key,
      encryptionKey,
      directory,
      clock = Date.now,
      name = '',
      deleteWins = false,
      ownerKey = null
    } = this.#options
    const onUpdate = (): void => this.#engine?.kick()
    const identity = await openIdentity(this.#store, {
      key: parseKey(key),
      encryptionKey,
      directory: directory ?? null,
      onUpdate
    })
    this.#identity = identity
    try {
      this.#connections.add(identity.own)
      await checkEncryptionKey(identity.own)
      const view = new View(
        new RocksViewStore(
          directory ?? `${storePath(this.#store)}/multi-bee-${b4a.toString(identity.key, 'hex').slice(0, 32)}`
        )
      )
      const versions = new VersionNote(identity.local)
      this.#versions = versions
      const host = this.#host(identity, versions, onUpdate)
      const engine = await Engine.open({
        view,
        now: clock,
        host,
        first: identity.key,
        self: identity.own,
        epoch: identity.epoch,
        generation: b4a.toString(randomBytes(8), 'hex'),
        versionFloor: await versions.read()
      })
      // A full disk must not keep anybody from reading.
      await versions.keepFree(engine.state.version).catch((error: unknown) => this.#fail(error))
      this.#engine = engine
      this.#database = { engine, view, logs: this.#connections.logs, changes: this.#changes }
      if (b4a.equals(identity.own.key, identity.key) && identity.own.available === 0) {
        await engine.submit({
          type: 'membership',
          records: [{ type: 'genesis', deleteWins, ownerKey, name }]
        })
      }
      await this.#connections.open(identity.key, engine, identity.epochs)
      await engine.settle()
    } catch (error) {
      this.#openFailure = error
      this.#identity = null
      await this.#engine?.close().catch(() => {})
      this.#engine = null
      this.#database = null
      await Promise.all([...this.#connections.logs.values()].map((log) => log.close()))
      await identity.local.close()
      throw error
    }
  }

  protected override async _close(): Promise<void> {
    this.#changes.end()
    this.#connections.close()
    try {
      await this.#desk?.close()
      for (const close of this.#closers.splice(0)) await close()
    } finally {
      try {
        await this.#engine?.close()
        if (this.#engine !== null) await this.#versions?.giveBack(this.#engine.state.version)
      } finally {
        await this.#identity?.local.close()
      }
    }
  }

  #host(identity: Identity, versions: VersionNote, onUpdate: () => void): EngineHost {
    const announcer = this.#announcer
    return {
      openLog: async (key) => {
        const { encryptionKey } = identity
        const log = await HypercoreLog.open(this.#store, { key, encryptionKey, isOwn: false, onUpdate })
        // Another member may write what it likes; the first log says whether the key is right.
        if (b4a.equals(key, identity.key)) await checkEncryptionKey(log)
        return this.#connections.add(log)
      },
      nextEpoch: async ({ key }, reason, fork) => {
        const epoch = await identity.epochs.next(key, reason, fork)
        this.#connections.add(epoch.log as HypercoreLog)
        return epoch
      },
      onEpoch: async ({ succession, reason }) => {
        await identity.epochs.finish()
        announcer.tell('epoch', { previous: succession.previous, reason })
        this.#connections.update()
      },
      onChanges: (changes, own) => {
        this.#changes.publish(changes)
        if (this.#engine !== null) announcer.changed(changes, own, this.#engine)
      },
      onMembership: (before, after) => {
        if (this.#engine === null) return
        announcer.membership(before, after, this.#engine)
        this.#connections.membersChanged()
      },
      onSkew: (writer, offsetMs) => {
        if (this.#engine !== null) announcer.skew(writer, offsetMs, this.#engine)
      },
      onFlush: async (version) => {
        this.#connections.update()
        await versions.keepFree(version)
      },
      onFailure: (error) => this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#failure = error instanceof Error ? error : new Error(String(error))
    this.#announcer.tell('failure', this.#failure)
  }

  /** Replicates over a swarm, and waits until a member's record has made this device a writer. */
  async #follow(swarm: SwarmLike, signal?: SignalLike): Promise<void> {
    const onConnection = (connection: DuplexLike): void => {
      this.replicate(connection)
    }
    for (const connection of swarm.connections) this.replicate(connection)
    swarm.on('connection', onConnection)
    this.#closers.push(() => swarm.off('connection', onConnection))
    try {
      await this.ready()
      const session = swarm.join(this.discoveryKey as never) as { destroy(): Promise<void> }
      this.#closers.push(() => session.destroy())
      await becomesWritable(this, signal)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  #requireWritable(): void {
    if (this.closing !== null) throw new MultiBeeError('MULTI_BEE_CLOSED', 'the database is closed')
    if (!this.writable)
      throw new MultiBeeError('MULTI_BEE_NOT_WRITABLE', 'this device is not a writer of the database')
  }

  #opened(): Identity & { engine: Engine } {
    if (this.#identity === null || this.#engine === null)
      throw new MultiBeeError('MULTI_BEE_CLOSED', 'the database is not open')
    return { ...this.#identity, engine: this.#engine }
  }
}
