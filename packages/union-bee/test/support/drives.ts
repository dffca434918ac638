import { collect, tmpStore } from '@cloudpal/test-kit'
import Hyperdrive from 'hyperdrive'
import type { UnionDrive } from '../../src/index.ts'

/** Makes drives with these files. They live until the test ends. */
export async function driveMaker(): Promise<(files?: Record<string, string>) => Promise<Hyperdrive>> {
  const store = await tmpStore()
  let count = 0
  return async (files = {}) => {
    const drive = new Hyperdrive(store.namespace(`drive ${count++}`))
    await drive.ready()
    for (const [path, text] of Object.entries(files)) await drive.put(path, Buffer.from(text))
    return drive
  }
}

export async function textOf(union: UnionDrive, path: string): Promise<string | null> {
  const bytes = await union.get(path)
  return bytes === null ? null : Buffer.from(bytes).toString()
}

/** What is shown in a directory, and below. */
export async function paths(union: UnionDrive, folder = '/'): Promise<string[]> {
  return (await collect(union.list(folder))).map(({ key }) => key)
}
