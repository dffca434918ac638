import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fakeClock, tmpDir } from '@cloudpal/test-kit'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { nextEpoch } from '../src/cli/epoch.ts'
import { HeartbeatSource } from '../src/index.ts'

test('each life has a higher epoch than all before, whatever the clock says', async () => {
  const file = join(await tmpDir(), 'relay.key.epoch')
  expect(await nextEpoch(file, 5_000)).toEqual({ epoch: 5_000 })
  expect(await nextEpoch(file, 1_000)).toEqual({ epoch: 5_001 })
  expect(await nextEpoch(file, 5_001)).toEqual({ epoch: 5_002 })
  expect(await nextEpoch(file, 9_000)).toEqual({ epoch: 9_000 })
})

test('a file that holds no epoch is as none', async () => {
  const file = join(await tmpDir(), 'relay.key.epoch')
  await writeFile(file, 'half of')
  expect(await nextEpoch(file, 7)).toEqual({ epoch: 7 })
})

test('where no epoch can be kept, the next one is still above the last that can be read', async () => {
  const dir = await tmpDir()
  expect(await nextEpoch(join(dir, 'nowhere', 'relay.key.epoch'), 7)).toEqual({ leastEpoch: 7 })
  const file = join(dir, 'relay.key.epoch')
  await writeFile(file, '5000\n')
  // Nothing can be written there.
  await mkdir(`${file}.new`)
  expect(await nextEpoch(file, 7)).toEqual({ leastEpoch: 5_001 })
  expect(await nextEpoch(file, 9_000)).toEqual({ leastEpoch: 9_000 })
})

test('a replica that could not keep its epoch has a new one once its clock is set', () => {
  const [clock, steady] = [fakeClock(1_000), fakeClock(50)]
  const source = new HeartbeatSource(crypto.keyPair().publicKey, crypto.keyPair(), {
    leastEpoch: 5_001,
    clock: clock.now,
    steady: steady.now
  })
  expect(source.next({ load: 0 })).toMatchObject({ epoch: 5_001, seq: 1 })
  clock.advance(1_800_000_000_000)
  expect(source.next({ load: 0 })).toMatchObject({ epoch: clock.now(), seq: 1 })
})

test('a replica that has started with a clock that was behind begins a new life once it is set', () => {
  const [clock, steady] = [fakeClock(1_000), fakeClock(50)]
  const owner = crypto.keyPair().publicKey
  const source = new HeartbeatSource(owner, crypto.keyPair(), { clock: clock.now, steady: steady.now })
  const next = (): [number, number] => {
    const { epoch, seq } = source.next({ load: 0 })
    return [epoch, seq]
  }
  expect([next(), next()]).toEqual([
    [1_000, 1],
    [1_000, 2]
  ])
  // A day later, by both, and a correction of seconds.
  clock.advance(86_400_000 + 30_000)
  steady.advance(86_400_000)
  expect(next()).toEqual([1_000, 3])
  clock.advance(1_800_000_000_000)
  const set = clock.now()
  expect([next(), next()]).toEqual([
    [set, 1],
    [set, 2]
  ])
})

test('a replica that counts its lives itself goes by no clock', () => {
  const clock = fakeClock(1_000)
  const source = new HeartbeatSource(crypto.keyPair().publicKey, crypto.keyPair(), {
    epoch: 7,
    clock: clock.now
  })
  clock.advance(1_000_000)
  expect(source.next({ load: 0 })).toMatchObject({ epoch: 7, seq: 1 })
})
