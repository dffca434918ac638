import { badArgument, isKey } from './arguments.ts'

/** What is needed of a Corestore: a real one fits. */
export interface CorestoreLike {
  ready(): Promise<void>
  readonly primaryKey: Uint8Array | null
}

/**
 * The 32 bytes that all writable cores of a Corestore come from, ready to be split. A copy: overwrite it after use.
 *
 * To bring the store back: `new Corestore(directory, { primaryKey: recovered.secret, unsafe: true })` in an empty directory. Never do so while
 * the old device still writes: two writers of one core fork it.
 *
 * @throws SECRET_SHARE_BAD_ARGUMENT for a store without one
 */
export async function corestoreKey(store: CorestoreLike): Promise<Uint8Array> {
  await store.ready()
  if (!isKey(store.primaryKey, 32)) throw badArgument('this store has no primary key of 32 bytes')
  return new Uint8Array(store.primaryKey)
}
