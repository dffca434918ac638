import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tmpDir } from '@cloudpal/test-kit'
import { expect, test } from 'vitest'
import { nextEpoch } from '../src/cli/epoch.ts'

test('each life has a higher epoch than all before, whatever the clock says', async () => {
  const file = join(await tmpDir(), 'relay.key.epoch')
  expect(await nextEpoch(file, 5_000)).toBe(5_000)
  expect(await nextEpoch(file, 1_000)).toBe(5_001)
  expect(await nextEpoch(file, 5_001)).toBe(5_002)
  expect(await nextEpoch(file, 9_000)).toBe(9_000)
})

test('a file that holds no epoch is as none', async () => {
  const file = join(await tmpDir(), 'relay.key.epoch')
  await writeFile(file, 'half of')
  expect(await nextEpoch(file, 7)).toBe(7)
})

test('where no epoch can be kept, it is the time', async () => {
  const file = join(await tmpDir(), 'nowhere', 'relay.key.epoch')
  expect(await nextEpoch(file, 7)).toBe(7)
})
