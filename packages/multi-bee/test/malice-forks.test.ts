import { afterEach, describe, expect, test, vi } from 'vitest'
import { oracle } from './oracle/oracle.ts'
import { keyPairOf, WRITERS } from './oracle/values.ts'
import { fromHex } from './support/block-vectors.ts'
import { EngineDevice, shownByOracle } from './support/engine-device.ts'
import { forkOf } from './support/fork-proofs.ts'
import { besieged, callForked, deviceBefore, momentsOf, put, type Put } from './support/forked-device.ts'
import { hexOf, operation } from './support/malicious-member.ts'
import { worldOf } from './support/world-blocks.ts'
import { MemoryLog } from './support/memory-log.ts'

const [FIRST, SECOND] = WRITERS as [string, string]
const KEYS = ['61', '62', '63', '64']

afterEach(() => void vi.restoreAllMocks())

/** A device that has put `a` to 1, 2 and 3, in a database with a member that says its log is forked. */
async function deviceForkedAt(length: number): Promise<EngineDevice> {
  const device = await deviceBefore(length)
  device.log(SECOND).deliver(2)
  await device.engine.settle()
  return device
}

function saidByLogs({ logs }: EngineDevice): unknown {
  const held = new Map([...logs].map(([key, log]) => [key, log.blocks.slice(0, log.available)]))
  return shownByOracle(oracle(worldOf(FIRST, held)), KEYS)
}

test('a member that calls an honest device’s log forked makes it go on in a new one, with all it wrote', async () => {
  const device = await deviceForkedAt(2)
  await put(device, '62', '4')
  expect(device.own.key).not.toEqual(fromHex(FIRST))
  const shown = await device.shown(KEYS)
  expect(shown.entries).toMatchObject({ 61: { text: '3' }, 62: { text: '4' } })
  expect(shown).toEqual(saidByLogs(device))
  await device.restart()
  expect(await device.shown(KEYS)).toEqual(saidByLogs(device))
  expect(device.failures).toEqual([])
  await device.engine.close()
})

test('so does a fork far past the end of its log, and everybody can read the new one', async () => {
  const device = await deviceForkedAt(70_000)
  await put(device, '62', '4')
  expect(device.own.key).not.toEqual(fromHex(FIRST))
  const shown = await device.shown(KEYS)
  expect(shown.entries).toMatchObject({ 61: { text: '3' }, 62: { text: '4' } })
  expect(shown).toEqual(saidByLogs(device))
  await device.engine.close()
})

test('a crash at any moment while it does so loses nothing', async () => {
  const device = await deviceBefore(2)
  const moments = await momentsOf(device, async () => {
    device.log(SECOND).deliver(2)
    await device.engine.flush()
    await put(device, '62', '4')
    await device.engine.flush()
  })
  expect(moments.filter(({ logs }) => logs.size === 3).length).toBeGreaterThan(10)
  for (const copy of moments) {
    await copy.open()
    const shown = await copy.shown(KEYS)
    expect(shown).toEqual(saidByLogs(copy))
    expect(shown.entries).toMatchObject({ 61: { text: '3' } })
    expect(shown.conflicts).toEqual({})
    expect(shown.members.map(({ cutOff }) => cutOff)).toEqual([2, null, null])
    expect(copy.failures).toEqual([])
    await copy.engine.close()
  }
})

test('what a new log has seen is what all copies of the forked one hold, also when a crash made it forget the proof', async () => {
  const device = await deviceBefore(2)
  const pair = keyPairOf(FIRST)
  const [moment] = await momentsOf(device, async () => {
    device.own.fork = forkOf(pair, 2)
    await device.engine.settle()
  })
  if (moment === undefined) throw new Error('it has not gone on in a new log')
  expect(moment.own.blocks).toHaveLength(0)
  await moment.open()
  await moment.engine.settle()
  const [opening] =
    worldOf(FIRST, new Map([[hexOf(moment.own.key), moment.own.blocks]])).logs[hexOf(moment.own.key)] ?? []
  expect(opening?.context).toMatchObject({ [FIRST]: 2 })
  await moment.engine.close()
})

test('a clone that opens the new log in the same moment gets it, and the device goes on in another one', async () => {
  const device = await deviceBefore(2)
  await device.engine.close()
  await device.moveStore()
  const taken = device.own
  vi.spyOn(taken, 'append').mockImplementation(() => {
    taken.isOvertaken = true
    return Promise.reject(new Error('a longer copy of this log has come in'))
  })
  await device.open()
  await put(device, '62', '4')
  expect(device.own.key).not.toEqual(taken.key)
  expect((await device.shown(KEYS)).entries).toMatchObject({ 61: { text: '3' }, 62: { text: '4' } })
  expect(device.failures).toEqual([])
  await device.engine.close()
})

test('what another device wrote over it meanwhile stands, also when a crash makes it begin anew', async () => {
  let killed: EngineDevice | null = null
  const { device, member } = await besieged(2)
  device.log(SECOND).deliver(2)
  const { append } = MemoryLog.prototype
  vi.spyOn(MemoryLog.prototype, 'append').mockImplementation(async function (this: MemoryLog, blocks) {
    await append.call(this, blocks)
    // The succession, and two puts again.
    if (this === device.own && this.available === 3) killed = device.copy()
  })
  await device.engine.settle()
  await device.engine.close()
  vi.restoreAllMocks()

  const copy = killed as EngineDevice | null
  if (copy === null) throw new Error('it has not gone on in a new log')
  member.write({ membership: [{ type: 'admit', writer: copy.own.key }] })
  const context = { [FIRST]: 2, [hexOf(copy.own.key)]: 3 }
  member.write({ operations: [operation('a', '', '9')], context })
  copy.log(SECOND).blocks.push(...member.log.blocks.slice(2))
  await copy.open()
  const shown = await copy.shown(KEYS)
  expect(shown).toEqual(saidByLogs(copy))
  expect(shown.entries).toMatchObject({ 61: { text: '9' } })
  expect(shown.conflicts).toEqual({})
  await copy.engine.close()
})

test('one that calls the database’s first block forked ends it: also the device’s own succession counts nowhere', async () => {
  const device = await deviceForkedAt(0)
  const shown = await device.shown(KEYS)
  expect(shown).toMatchObject({ members: [{ writer: FIRST, cutOff: 0 }], applied: {}, entries: {} })
  expect(shown).toEqual(saidByLogs(device))
  await expect(put(device, '62', '4')).rejects.toMatchObject({ code: 'MULTI_BEE_NOT_WRITABLE' })
  await device.restart()
  expect(await device.shown(KEYS)).toEqual(saidByLogs(device))
  await device.crash()
  expect(await device.shown(KEYS)).toEqual(saidByLogs(device))
  expect(device.failures).toEqual([])
  await device.engine.close()
})

describe('a copy that turns up later and parts earlier', () => {
  const FIRST_PUTS: readonly Put[] = [
    ['61', '1'],
    ['62', '{"x":1}'],
    ['63', '1'],
    ['64', '1'],
    ['61', '2']
  ]

  /** A device that has gone on from a log forked at 5, and is about to hear that copies part at 1. */
  async function deviceForkedTwice(): Promise<EngineDevice> {
    const { device, member } = await besieged(5, FIRST_PUTS)
    device.log(SECOND).deliver(2)
    await device.engine.settle()
    await put(device, '62', '{"x":1,"y":2}')
    await put(device, '63', '2')
    callForked(member, FIRST, 1)
    return device
  }

  const SHOWN = { 61: { text: '2' }, 62: { text: '{"x":1,"y":2}' }, 63: { text: '2' }, 64: { text: '1' } }

  test('loses nothing of what the device wrote, and brings nothing back', async () => {
    const device = await deviceForkedTwice()
    device.log(SECOND).deliver(3)
    await device.engine.settle()
    const shown = await device.shown(KEYS)
    expect(shown.members.map(({ cutOff }) => cutOff)).toEqual([1, null, null])
    expect(shown.entries).toMatchObject(SHOWN)
    expect(shown.conflicts).toEqual({})
    expect(shown).toEqual(saidByLogs(device))
    const { length } = device.own.blocks
    for (const again of ['restart', 'crash'] as const) {
      await device[again]()
      await device.engine.settle()
      expect(device.own.blocks).toHaveLength(length)
      expect(await device.shown(KEYS)).toEqual(shown)
    }
    expect(device.failures).toEqual([])
    await device.engine.close()
  })

  test('loses nothing when the device crashes on the way', async () => {
    const device = await deviceForkedTwice()
    const moments = await momentsOf(device, async () => {
      device.log(SECOND).deliver(3)
      await device.engine.flush()
      await put(device, '65', '5')
      await device.engine.flush()
    })
    expect(moments.length).toBeGreaterThan(6)
    for (const copy of moments) {
      await copy.open()
      await copy.engine.settle()
      const shown = await copy.shown(KEYS)
      expect(shown.entries).toMatchObject(SHOWN)
      expect(shown.conflicts).toEqual({})
      expect(shown).toEqual(saidByLogs(copy))
      expect(copy.failures).toEqual([])
      await copy.engine.close()
    }
  })
})
