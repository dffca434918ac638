import Corestore, { type CorestoreOptions } from 'corestore'
import { type CleanupOptions, testCleanup } from './cleanup.ts'
import { tmpDir } from './tmp-dir.ts'

/** What {@link tmpStore} takes besides a Corestore's own options. */
export interface TmpStoreOptions extends CorestoreOptions, CleanupOptions {
  /**
   * Where to open it, for a device that starts again.
   *
   * @defaultValue a fresh {@link tmpDir}
   */
  dir?: string
}

/** Opens a Corestore in a fresh directory. It is closed after the streams, unless the test has closed it. */
export async function tmpStore({
  cleanup = testCleanup(),
  dir,
  ...options
}: TmpStoreOptions = {}): Promise<Corestore> {
  const store = new Corestore(dir ?? (await tmpDir({ cleanup })), options)
  cleanup.defer('store', () => store.close())
  await store.ready()
  return store
}
