import b4a from 'b4a'
import { expect, test } from 'vitest'
import type { LocalRequest } from '../src/engine/requests.ts'
import { oracle } from './oracle/oracle.ts'
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

test('a view that outlived the end of its own log is built anew, from what the log still has', async () => {
  const log = new MemoryLog(b4a.alloc(32, 1))
  const device = new EngineDevice(log, log.key, new Map(), NOW)
  await device.open()
  const genesis = { type: 'genesis' as const, deleteWins: false, ownerKey: null, name: '' }
  await device.engine.submit({ type: 'membership', records: [genesis] })
  await device.engine.submit(put('6b', '1'))
  await device.engine.submit(put('6b', '2'))
  await device.engine.submit(put('6c', '3'))
  await device.engine.flush()
  const { version } = device.engine.state
  await device.engine.close()

  // Of the log, the power has gone before its end was on the disk.
  log.blocks.length = 2
  await device.open()
  const expected = (): unknown =>
    shownByOracle(oracle(worldOf(hex(log.key), new Map([[hex(log.key), log.blocks]]))), KEYS)
  expect(await device.shown(KEYS)).toEqual(expected())
  expect(device.engine.state.version).toBeGreaterThan(version)
  await device.engine.submit(put('6c', '4'))
  expect(await device.shown(KEYS)).toEqual(expected())
  await device.restart()
  expect(await device.shown(KEYS)).toEqual(expected())
  expect(device.failures).toEqual([])
  await device.engine.close()
})
