import { mkdtemp, rm } from '#fs'
import { tmpdir } from '#os'
import { join } from '#path'
import Corestore from 'corestore'
import type { CorestoreLike } from '../types.ts'

/** A Corestore that is gone when it is closed. Hypercore has none in memory. */
export interface TemporaryStore {
  readonly corestore: CorestoreLike
  close(): Promise<void>
}

/** It lies in the system's directory for temporary files. */
export async function openTemporaryStore(): Promise<TemporaryStore> {
  const directory = await mkdtemp(join(tmpdir(), 'cloudpal-archive-'))
  const corestore = new Corestore(directory)
  const close = async (): Promise<void> => {
    await corestore.close()
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await corestore.ready()
  } catch (error) {
    await close()
    throw error
  }
  return { corestore, close }
}
