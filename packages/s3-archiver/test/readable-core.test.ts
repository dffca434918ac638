import fc from 'fast-check'
import type Hypercore from 'hypercore'
import { expect, test } from 'vitest'
import { tmpDir, tmpStore } from '@cloudpal/test-kit'
import { readableCore } from '../src/corestore-adapter.ts'
import { headOf, heldRuns, storedBlocks, storedNodes } from '../src/hypercore-adapter.ts'
import type { CoreLike } from '../src/index.ts'
import { numbered } from './archived.ts'

const LENGTH = 66_000
/** Around the ends of Hypercore's pages, and of bytes. */
const STARTS = [0, 1, 7, 8, 9, 4000, 32_760, 32_767, 32_768, 32_769, 65_535, 65_536, 65_999]

async function seen(core: CoreLike, starts: readonly number[]): Promise<unknown> {
  const runs = starts.map((start) => [heldRuns(core, start, LENGTH), heldRuns(core, start, start + 20)])
  const nodes = await storedNodes(core, [0, 1, 3, 32_767, 65_535, 2 * LENGTH - 2])
  return { head: headOf(core), runs, nodes, blocks: await storedBlocks(core, 32_760, 32_780) }
}

test('a core that is not open is read as if it were', async () => {
  const dir = await tmpDir()
  const first = await tmpStore({ dir })
  const core: Hypercore = first.get({ name: 'core' })
  for (let i = 0; i < LENGTH; i += 6000) await core.append(numbered(i, Math.min(LENGTH, i + 6000), 6))
  const clears = fc.array(fc.tuple(fc.constantFrom(...STARTS), fc.nat(40)), { maxLength: 8 })
  for (const [start, count] of fc.sample(clears, { numRuns: 3, seed: 1 }).flat())
    if (count > 0) await core.clear(start, Math.min(LENGTH, start + count))
  await core.clear(20_000, 50_000)
  const key = core.key as Uint8Array
  const open = (await readableCore(first, key)) as CoreLike & { close(): Promise<void> }
  const expected = await seen(open, STARTS)
  expect(await seen(core, STARTS)).toEqual(expected)
  await open.close()
  await first.close()

  const second = await tmpStore({ dir })
  const stored = (await readableCore(second, key)) as CoreLike & { close(): Promise<void> }
  expect([...(second as unknown as { cores: Iterable<unknown> }).cores]).toEqual([])
  expect(await seen(stored, STARTS)).toEqual(expected)
  await stored.close()
  expect(await readableCore(second, numbered(0, 1, 32)[0] as Uint8Array)).toBeNull()
})
