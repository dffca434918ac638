import { describe, expect, onTestFinished, test } from 'vitest'
import { tmpStore } from '@cloudpal/test-kit'
import { readFromArchive } from '../src/browser/index.ts'
import { readHead } from '../src/read/archive-reader.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { numbered } from './archived.ts'
import { archiverOf } from './meddling-store.ts'

describe('a segment in a list', () => {
  test('of several groups is read', async () => {
    const source = (await tmpStore()).get({ name: 'core' })
    await source.ready()
    const blocks = numbered(0, 360, 3000)
    await source.append(blocks)
    const replica = (await tmpStore()).get({ key: source.key })
    await replica.ready()
    const streams = [source.replicate(true), replica.replicate(false)] as const
    streams[0].pipe(streams[1]).pipe(streams[0])
    await replica.update({ wait: true })
    // Of each nine blocks one is missing.
    for (let at = 0; at < 360; at += 9) await replica.download({ start: at, end: at + 8 }).done()
    const store = new MemoryStore()
    await archiverOf(store, replica).flush()
    const key = source.key as Uint8Array
    const { record } = await readHead(store, key)
    expect(record.segments.some(({ kind }) => kind === 'list')).toBe(true)
    const read = await readFromArchive(store, { key })
    onTestFinished(() => read.close())
    for (const seq of [0, 3, 100, 355]) expect(await read.get(seq)).toEqual(blocks[seq])
  })
})
