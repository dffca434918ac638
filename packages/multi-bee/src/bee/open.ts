import b4a from 'b4a'
import { MultiBeeError } from '../errors.ts'
import type { Epoch } from '../engine/upkeep.ts'
import { HypercoreLog, LocalState, randomBytes, storePath } from '../hypercore-adapter.ts'
import { decodeTransaction } from '../log/decode.ts'
import { initialLogState } from '../log/log-state.ts'
import { WriterTable } from '../merge/writer-table.ts'
import type { StoreLike } from '../types.ts'
import { Epochs } from './epochs.ts'

/** Names of the empty cores under which a store keeps what is this device's own (`LocalState`). */
const DEFAULT_DATABASE = 'multi-bee'

const JOINING = 'multi-bee/joining'

const ENCRYPTION_NONE = 0
const ENCRYPTION_STORED = 1
const ENCRYPTION_SUPPLIED = 2

/** Who this device is in a database. */
export interface Identity {
  /** What the store keeps for this database, on this device only. Owned by the caller. */
  local: LocalState
  /** The database's key. */
  key: Uint8Array
  /** This device's own log. Owned by the caller. */
  own: HypercoreLog
  epochs: Epochs
  /** That of a new log, which has yet to be opened by a succession. */
  epoch: Epoch | null
  encryptionKey: Uint8Array | null
}

export interface IdentityOptions {
  /** Of the database; `null` for the one this namespace of the store holds, or a new one. */
  key: Uint8Array | null
  /** `undefined`: the stored one, or a fresh one for a new database; `null`: not encrypted. */
  encryptionKey: Uint8Array | null | undefined
  /** Where the view is; `null`: beside the store's own files. */
  directory: string | null
  /** Called when more of the own log can be read. */
  onUpdate: () => void
}

/**
 * Finds, or makes up, who this device is in the database. Its log is made from fresh randomness, so that no copy of a store and no
 * other database of the same store can end up with the same one.
 */
export async function openIdentity(store: StoreLike, options: IdentityOptions): Promise<Identity> {
  const key = options.key ?? (await withLocalState(store, DEFAULT_DATABASE, (names) => names.get('key')))
  return key === null ? createIdentity(store, options) : findIdentity(store, key, options)
}

async function findIdentity(store: StoreLike, key: Uint8Array, options: IdentityOptions): Promise<Identity> {
  const local = await LocalState.open(store, localName(key))
  try {
    const known = await local.get('encryption')
    const encryptionKey = chooseKey(known, options)
    // Of a database that is only known by its key, it is not known yet whether it is encrypted.
    const isTold = options.encryptionKey !== undefined
    if (isTold && known === null) await rememberEncryption(local, encryptionKey, false)
    const writer = (await local.get('writer')) ?? (await newWriter(store, local))
    const epochs = epochsOf(store, local, encryptionKey, options)
    const { own, epoch } = await epochs.open(writer)
    await rememberDefault(store, key)
    return { local, key, own, epochs, epoch, encryptionKey }
  } catch (error) {
    await local.close()
    throw error
  }
}

/** The first log's key is the database's. A crash on the way leaves a log nobody refers to, and the next open starts again. */
async function createIdentity(store: StoreLike, options: IdentityOptions): Promise<Identity> {
  const encryptionKey = options.encryptionKey === undefined ? randomBytes(32) : options.encryptionKey
  const { onUpdate } = options
  const own = await HypercoreLog.open(store, { key: null, encryptionKey, isOwn: true, onUpdate })
  const { key } = own
  const local = await LocalState.open(store, localName(key))
  await rememberEncryption(local, encryptionKey, options.encryptionKey === undefined)
  await local.set('writer', key)
  const epochs = epochsOf(store, local, encryptionKey, options)
  await epochs.mark(key)
  await withLocalState(store, DEFAULT_DATABASE, (names) => names.set('key', key))
  return { local, key, own, epochs, epoch: null, encryptionKey }
}

function epochsOf(
  store: StoreLike,
  local: LocalState,
  encryptionKey: Uint8Array | null,
  { directory, onUpdate }: IdentityOptions
): Epochs {
  return new Epochs({ store, local, encryptionKey, directory: directory ?? storePath(store), onUpdate })
}

/** The key of a log that is made for this device. Nothing is written to it before it is opened for that. */
async function newWriter(store: StoreLike, local: LocalState): Promise<Uint8Array> {
  const log = await HypercoreLog.open(store, {
    key: null,
    encryptionKey: null,
    isOwn: true,
    onUpdate: () => {}
  })
  await local.set('writer', log.key)
  const { key } = log
  await log.close()
  return key
}

/**
 * Whether the first block of a log makes sense with the encryption key in use. Nothing is known of an empty log.
 *
 * @throws MultiBeeError `MULTI_BEE_WRONG_ENCRYPTION_KEY`
 */
export async function checkEncryptionKey(log: HypercoreLog): Promise<void> {
  if (log.available === 0) return
  const writers = new WriterTable()
  const result = decodeTransaction(0, await log.read(0, 1), initialLogState(writers.idOf(log.key)), writers)
  if ('more' in result || ('transaction' in result && !result.malformed)) return
  throw new MultiBeeError(
    'MULTI_BEE_WRONG_ENCRYPTION_KEY',
    'the logs of this database do not decrypt with this encryptionKey'
  )
}

/** Makes a database the one that this namespace of the store holds, unless there is one. */
async function rememberDefault(store: StoreLike, key: Uint8Array): Promise<void> {
  await withLocalState(store, DEFAULT_DATABASE, async (names) => {
    if ((await names.get('key')) === null) await names.set('key', key)
  })
}

async function withLocalState<T>(
  store: StoreLike,
  name: string,
  use: (state: LocalState) => Promise<T>
): Promise<T> {
  const state = await LocalState.open(store, name)
  try {
    return await use(state)
  } finally {
    await state.close()
  }
}

function chooseKey(known: Uint8Array | null, { encryptionKey }: IdentityOptions): Uint8Array | null {
  if (encryptionKey !== undefined) return encryptionKey
  const mode = known?.[0] ?? ENCRYPTION_NONE
  if (mode === ENCRYPTION_SUPPLIED) {
    throw new MultiBeeError(
      'MULTI_BEE_WRONG_ENCRYPTION_KEY',
      'this database was opened with an encryptionKey before; pass it again'
    )
  }
  return mode === ENCRYPTION_STORED && known !== null ? known.subarray(1) : null
}

/** @param isKept - whether the key itself may be written */
async function rememberEncryption(local: LocalState, key: Uint8Array | null, isKept: boolean): Promise<void> {
  const mode = key === null ? ENCRYPTION_NONE : isKept ? ENCRYPTION_STORED : ENCRYPTION_SUPPLIED
  await local.set('encryption', b4a.concat([b4a.from([mode]), key !== null && isKept ? key : b4a.alloc(0)]))
}

function localName(key: Uint8Array): string {
  return `multi-bee/${b4a.toString(key, 'hex')}`
}

/** The log of a device that is not in any database yet. An aborted join leaves it for the next one. */
export class Draft {
  readonly key: Uint8Array
  readonly #store: StoreLike

  private constructor(store: StoreLike, key: Uint8Array) {
    this.#store = store
    this.key = key
  }

  static async open(store: StoreLike): Promise<Draft> {
    const key = await withLocalState(store, JOINING, async (state) => {
      const known = await state.get('writer')
      if (known !== null && known.byteLength > 0) return known
      return newWriter(store, state)
    })
    return new Draft(store, key)
  }

  /**
   * Makes it this device's log in a database, and the database the one that this namespace of the store holds, unless there is one.
   *
   * @param encryptionKey - to be kept with it; `undefined` when the app keeps it
   */
  async adopt(database: Uint8Array, encryptionKey: Uint8Array | null | undefined): Promise<void> {
    await withLocalState(this.#store, localName(database), async (state) => {
      await state.set('writer', this.key)
      if (encryptionKey === undefined) return
      await rememberEncryption(state, encryptionKey, true)
    })
    await rememberDefault(this.#store, database)
  }

  /** The next join makes a new one. Until then an aborted one can be tried again, with the same invite. */
  async finish(): Promise<void> {
    await withLocalState(this.#store, JOINING, (state) => state.set('writer', b4a.alloc(0)))
  }
}
