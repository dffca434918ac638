import { afterEach, expect, test, vi } from 'vitest'
import { keyPairOf, OWN_SPARES, WRITERS } from './oracle/values.ts'
import { fromHex } from './support/block-vectors.ts'
import { forkOf } from './support/fork-proofs.ts'
import { besieged, callForked, deviceBefore, momentsOf, put, type Put } from './support/forked-device.ts'
import { hexOf } from './support/malicious-member.ts'
import { MemoryLog } from './support/memory-log.ts'

const [FIRST, SECOND] = WRITERS as [string, string]
const KEYS = ['61', '62', '63', '64']

afterEach(() => void vi.restoreAllMocks())

test.each([
  ['{"x":1,"z":1}', '{"x":2,"z":1}'],
  ['{"x":1,"z":1}', '{"z":1}']
])('what was changed in part since is not brought back: %s %s', async (older, newer) => {
  const { device, member } = await besieged(5, [
    ['61', '1'],
    ['62', older],
    ['63', '1'],
    ['64', '1'],
    ['61', '2']
  ])
  device.log(SECOND).deliver(2)
  await device.engine.settle()
  await put(device, '62', newer)
  callForked(member, FIRST, 1)
  device.log(SECOND).deliver(3)
  await device.engine.settle()
  const shown = await device.shown(KEYS)
  expect(shown.entries).toMatchObject({ 62: { text: newer } })
  await device.engine.close()
})

test('a new log that is doubted while the tail is issued again', async () => {
  const { device } = await besieged(1, [
    ['61', '1'],
    ['61', '2'],
    ['61', '3'],
    ['63', '1']
  ])
  device.log(SECOND).deliver(2)
  const { append } = MemoryLog.prototype
  let once = false
  vi.spyOn(MemoryLog.prototype, 'append').mockImplementation(async function (this: MemoryLog, blocks) {
    await append.call(this, blocks)
    if (
      !once &&
      this === device.own &&
      this.key !== fromHex(FIRST) &&
      hexOf(this.key) === OWN_SPARES[0]?.[0] &&
      this.available === 1
    ) {
      once = true
      this.isOvertaken = true
    }
  })
  await device.engine.settle()
  vi.restoreAllMocks()
  const shown = await device.shown(KEYS)
  expect(shown.entries).toMatchObject({ 61: { text: '3' }, 63: { text: '1' } })
  expect(shown.conflicts).toEqual({})
  await device.engine.close()
})

test('a store that is moved while its epoch is not done', async () => {
  const device = await deviceBefore(2)
  const moments = await momentsOf(device, async () => {
    device.log(SECOND).deliver(2)
    await device.engine.flush()
  })
  const lost: string[] = []
  for (const [i, copy] of moments.entries()) {
    const own = copy.own.available
    // As Epochs.#lastWritten: only a written log is succeeded.
    if (own === 0 || copy.own.key === device.logs.get(FIRST)?.key) continue
    const written = copy.own.key
    await copy.moveStore()
    await copy.open()
    // As open-database does with what Epochs remembers.
    await copy.engine.introduce(written)
    await copy.engine.settle()
    const shown = await copy.shown(KEYS)
    if ((shown.entries['61'] as { text: string } | undefined)?.text !== '3')
      lost.push(`${i}: ${JSON.stringify(shown.entries['61'])}`)
    await copy.engine.close()
  }
  expect(lost).toEqual([])
})

test('closing between the record of a fork and what it calls for loses nothing', async () => {
  const FIRST_PUTS: readonly Put[] = [
    ['66', '1'],
    ['67', '1'],
    ['63', '1'],
    ['64', '1'],
    ['66', '2']
  ]
  const { device, member } = await besieged(5, FIRST_PUTS)
  device.log(SECOND).deliver(2)
  await device.engine.settle()
  callForked(member, FIRST, 1)
  const { engine } = device
  // The user writes and closes while the second fork is being read.
  device.log(SECOND).deliver(3)
  const writing: Promise<void>[] = []
  const install = device.view.install.bind(device.view)
  vi.spyOn(device.view, 'install').mockImplementation((...args) => {
    if (writing.length === 0) writing.push(put(device, '65', '5'), engine.close())
    return install(...args)
  })
  await engine.settle()
  await Promise.all(writing)
  await device.open()
  const shown = await device.shown([...KEYS, '65'])
  expect(device.failures).toEqual([])
  expect(shown.entries).toMatchObject({
    66: { text: '2' },
    67: { text: '1' },
    63: { text: '1' },
    64: { text: '1' },
    65: { text: '5' }
  })
  await device.engine.close()
})

test('a store that fails once between the record of a fork and what it calls for loses nothing', async () => {
  const PUTS5: readonly Put[] = [
    ['66', '1'],
    ['67', '1'],
    ['63', '1'],
    ['64', '1'],
    ['66', '2']
  ]
  const { device } = await besieged(5, PUTS5)
  device.log(SECOND).deliver(2)
  await device.engine.settle()
  const { length } = device.own.blocks
  // Another copy of the first log turns up, and once the record of it is written a read fails.
  device.log(FIRST).fork = forkOf(keyPairOf(FIRST), 1)
  const { load } = device.view
  let failed = 0
  vi.spyOn(device.view, 'load').mockImplementation(async (keys) => {
    if (device.own.blocks.length === length + 1 && failed++ === 0) throw new Error('it cannot be read')
    return load.call(device.view, keys)
  })
  await device.engine.settle()
  vi.restoreAllMocks()
  expect(failed).toBeGreaterThan(0)
  device.failures.length = 0
  await device.engine.settle()
  await put(device, '65', '5')
  await put(device, '65', '6')
  await device.restart()
  const shown = await device.shown([...KEYS, '65'])
  expect(shown.entries).toMatchObject({
    66: { text: '2' },
    67: { text: '1' },
    63: { text: '1' },
    64: { text: '1' },
    65: { text: '6' }
  })
  await device.engine.close()
})

test('what was done again before the process was killed is not done once more', async () => {
  const device = await deviceBefore(1)
  const moments = await momentsOf(device, async () => {
    device.log(SECOND).deliver(2)
    await device.engine.flush()
  })
  const lengths = new Set<number>()
  for (const copy of moments) {
    await copy.open()
    await copy.engine.settle()
    if (copy.own.key !== copy.logs.get(FIRST)?.key) lengths.add(copy.own.available)
    await copy.engine.close()
  }
  // The succession, three puts, and that they are done again.
  expect([...lengths]).toEqual([5])
})

test('a store that is moved before its new log is written does again what a fork has cut off that only a peer has proven', async () => {
  const device = await deviceBefore(2)
  device.log(FIRST).fork = forkOf(keyPairOf(FIRST), 2)
  const moments = await momentsOf(device, () => device.engine.flush())
  const unwritten = moments.filter(({ own, logs }) => own.key !== logs.get(FIRST)?.key && own.available === 0)
  expect(unwritten.length).toBeGreaterThan(0)
  for (const copy of unwritten) {
    await copy.moveStore()
    await copy.open()
    await copy.engine.settle()
    const { members, entries } = await copy.shown(KEYS)
    expect(members[0]?.cutOff).toBe(2)
    expect(entries).toMatchObject({ 61: { text: '3' } })
    await copy.engine.close()
  }
})
