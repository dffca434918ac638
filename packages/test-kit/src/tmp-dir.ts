import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CleanupOptions, testCleanup } from './cleanup.ts'

/** Makes an empty directory and gives its path. It is removed with all that is in it. */
export async function tmpDir({ cleanup = testCleanup() }: CleanupOptions = {}): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'cloudpal-'))
  cleanup.defer('files', () => rm(dir, { recursive: true, force: true }))
  return dir
}
