import b4a from 'b4a'
import { expect, test } from 'vitest'
import type { LocalRequest } from '../src/engine/requests.ts'
import { oracle } from './oracle/oracle.ts'
import { SPARES, WRITERS } from './oracle/values.ts'
import { EngineDevice, shownByOracle } from './support/engine-device.ts'
import { MemoryLog } from './support/memory-log.ts'
import { worldOf } from './support/world-blocks.ts'

const NOW = (): number => 1_000_000
const KEYS = ['6b', '6c']
const hex = (bytes: Uint8Array): string => b4a.toString(bytes, 'hex')

function put(key: string, text: string): LocalRequest {
  const intent = { type: 'put' as const, value: { document: true, bytes: b4a.from(text) } }
  return {
    type: 'write',
    writes: [{ key: b4a.from(key, 'hex'), intent, base: null, compare: null }],
    atomic: false
  }
}

/** What is on a device's disk at one moment. */
interface Disk {
  view: EngineDevice['store']['contents']
  own: Uint8Array[]
  other: number
}

test('a crash before or after any storage write leaves what the logs say, and nothing else', async () => {
  const [first, second] = [1, 2].map((byte) => new MemoryLog(b4a.alloc(32, byte))) as [MemoryLog, MemoryLog]
  const originals = new Map([first, second].map((log) => [hex(log.key), log]))
  const a = new EngineDevice(first, first.key, originals, NOW)
  const b = new EngineDevice(second, first.key, originals, NOW)
  const fromA = b.log(hex(first.key))
  const fromB = a.log(hex(second.key))

  const disks: Disk[] = []
  const remember = (): void => {
    disks.push({ view: a.store.contents, own: [...first.blocks], other: fromB.available })
  }
  const [write, append] = [a.store.write.bind(a.store), first.append.bind(first)]
  a.store.write = async (writes) => {
    remember()
    await write(writes)
    remember()
  }
  first.append = async (blocks) => {
    remember()
    await append(blocks)
    remember()
  }

  await a.open()
  const genesis = { type: 'genesis' as const, deleteWins: false, ownerKey: null, name: '' }
  await a.engine.submit({
    type: 'membership',
    records: [genesis, { type: 'add', writer: second.key, name: '' }]
  })
  await b.open()
  for (let round = 0; round < 4; round++) {
    await a.engine.submit(put('6b', `{"a":${round},"x":{"y":${round}}}`))
    if (round % 2 === 0) await a.engine.flush()
    fromA.deliver(first.blocks.length)
    await b.engine.settle()
    await Promise.all([
      b.engine.submit(put('6b', `{"a":"b${round}"}`)),
      b.engine.submit(put('6c', `${round}`))
    ])
    await a.engine.submit(put('6b', `{"a":${round},"z":[${round}]}`))
    fromB.deliver(second.blocks.length)
    a.engine.kick()
    await a.engine.submit(put('6c', 'true'))
    await a.engine.flush()
  }
  const cutOff = { length: 2, fork: 0, treeHash: b4a.alloc(32) }
  await a.engine.submit({ type: 'membership', records: [{ type: 'remove', writer: second.key, cutOff }] })
  await a.engine.flush()
  await a.engine.close()
  await b.engine.close()

  expect(disks.length).toBeGreaterThan(30)
  for (const disk of disks) {
    const own = new MemoryLog(first.key)
    own.blocks.push(...disk.own)
    const again = new EngineDevice(own, first.key, new Map([[hex(second.key), second]]), NOW)
    again.store.contents = disk.view
    again.log(hex(second.key)).deliver(disk.other)
    await again.open()
    const held = new Map([
      [hex(first.key), disk.own],
      [hex(second.key), second.blocks.slice(0, disk.other)]
    ])
    expect(await again.shown(KEYS)).toEqual(shownByOracle(oracle(worldOf(hex(first.key), held)), KEYS))
    expect(again.failures).toEqual([])
    await again.engine.close()
  }
})

const GENESIS = { type: 'genesis' as const, deleteWins: false, ownerKey: null, name: '' }
const [FIRST, SECOND] = WRITERS.map((key) => b4a.from(key, 'hex')) as [Uint8Array, Uint8Array]

/** What the logs say that a device has, and as much of each as it has. */
function saidByLogs({ logs }: EngineDevice): unknown {
  const held = [...logs].map(([key, log]) => [key, log.blocks.slice(0, log.available)] as const)
  return shownByOracle(oracle(worldOf(hex(FIRST), new Map(held))), KEYS)
}

/** A device alone with its database, which has written four transactions, and its view. */
async function alone(): Promise<EngineDevice> {
  const device = new EngineDevice(new MemoryLog(FIRST), FIRST, new Map(), NOW, SPARES)
  await device.open()
  await device.engine.submit({ type: 'membership', records: [GENESIS] })
  await device.engine.submit(put('6b', '1'))
  await device.engine.submit(put('6b', '2'))
  await device.engine.submit(put('6c', '3'))
  await device.engine.flush()
  await device.engine.close()
  return device
}

test('a view that outlived the end of its own log is built anew from what that still has, and nothing is written in place of what it lost', async () => {
  const device = await alone()
  const log = device.own
  const { version } = device.engine.state

  // Of the log, the power has gone before its end was on the disk.
  log.blocks.length = 2
  await device.open()
  expect((await device.shown(KEYS)).entries).toEqual({ '6b': { kind: 'document', text: '1' } })
  expect(await device.shown(KEYS)).toEqual(saidByLogs(device))
  expect(device.engine.state.version).toBeGreaterThan(version)
  await device.engine.submit(put('6c', '4'))
  expect(log.blocks).toHaveLength(2)
  expect(device.own).not.toBe(log)
  expect((await device.shown(KEYS)).entries).toMatchObject({ '6c': { text: '4' } })
  expect(await device.shown(KEYS)).toEqual(saidByLogs(device))
  const { own } = device
  await device.restart()
  expect(device.own).toBe(own)
  expect(await device.shown(KEYS)).toEqual(saidByLogs(device))
  expect(device.failures).toEqual([])
  await device.engine.close()
})

test('a new log never builds on what the one before it has lost', async () => {
  const device = await alone()
  device.own.blocks.length = 2
  await device.moveStore()
  await device.open()
  await device.engine.submit(put('6c', '4'))
  expect((await device.shown(KEYS)).entries).toMatchObject({ '6b': { text: '1' }, '6c': { text: '4' } })
  expect(await device.shown(KEYS)).toEqual(saidByLogs(device))
  expect(device.failures).toEqual([])
  await device.engine.close()
})

test('a view that outlived the end of another device’s log is built anew as well', async () => {
  const others = new MemoryLog(SECOND)
  const a = new EngineDevice(new MemoryLog(FIRST), FIRST, new Map([[hex(SECOND), others]]), NOW)
  await a.open()
  await a.engine.submit({
    type: 'membership',
    records: [GENESIS, { type: 'add', writer: SECOND, name: '' }]
  })
  const b = new EngineDevice(others, FIRST, new Map([[hex(FIRST), a.own]]), NOW)
  await b.open()
  b.log(hex(FIRST)).deliver(1)
  await b.engine.settle()
  for (const text of ['1', '2', '3']) await b.engine.submit(put('6b', text))
  a.log(hex(SECOND)).deliver(3)
  await a.engine.flush()
  await a.engine.close()

  const again = new EngineDevice(a.own, FIRST, new Map([[hex(SECOND), others]]), NOW)
  again.store.contents = a.store.contents
  again.log(hex(SECOND)).deliver(1)
  await again.open()
  expect((await again.shown(KEYS)).entries).toMatchObject({ '6b': { text: '1' } })
  expect(await again.shown(KEYS)).toEqual(saidByLogs(again))
  again.log(hex(SECOND)).deliver(3)
  expect((await again.shown(KEYS)).entries).toMatchObject({ '6b': { text: '3' } })
  expect(again.own).toBe(a.own)
  expect(again.failures).toEqual([])
  await again.engine.close()
  await b.engine.close()
})
