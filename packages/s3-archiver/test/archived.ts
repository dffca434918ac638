import b4a from 'b4a'
import type Hypercore from 'hypercore'
import { tmpStore } from '@cloudpal/test-kit'
import type { ObjectStore } from '../src/index.ts'
import { expandSegments, readHead } from '../src/read/archive-reader.ts'
import { readSegment } from '../src/read/opened-segment.ts'

export const WRITER: Uint8Array = b4a.alloc(16, 1)

/** A core in a Corestore of its own. */
export async function openCore(name = 'core', options: object = {}): Promise<Hypercore> {
  const store = await tmpStore()
  const core = store.get({ name, ...options })
  await core.ready()
  return core
}

export function numbered(start: number, end: number, size = 20): Uint8Array[] {
  return Array.from({ length: end - start }, (_, i) => b4a.from(`${start + i} `.padEnd(size, 'x')))
}

export function textOf(blocks: readonly (Uint8Array | null)[]): (string | null)[] {
  return blocks.map((block) => block && b4a.toString(block))
}

/** All blocks of a core, as the archive has them; `null` for those that it lacks. */
export async function archived(store: ObjectStore, key: Uint8Array): Promise<(string | null)[]> {
  const { record } = await readHead(store, key)
  const blocks: (Uint8Array | null)[] = []
  for await (const segment of expandSegments(store, key, record.segments)) {
    if (segment.kind === 'blocks')
      for (const block of await readSegment(store, key, segment)) blocks.push(block)
    else for (let i = 0; i < segment.count; i++) blocks.push(null)
  }
  return textOf(blocks)
}
