import { expect, test } from 'vitest'
import { keyPairOf, OWN_SPARES, WRITERS } from './oracle/values.ts'
import { fromHex } from './support/block-vectors.ts'
import { EngineDevice } from './support/engine-device.ts'
import { forkOf } from './support/fork-proofs.ts'
import { put } from './support/forked-device.ts'
import { MaliciousMember, NOW, operation } from './support/malicious-member.ts'
import { MemoryLog } from './support/memory-log.ts'
import { succession } from './support/world-blocks.ts'

const [FIRST, SECOND] = WRITERS as [string, string]
const KEYS = ['61', '62', '63', '64']

const add = (writer: string) => ({ type: 'add' as const, writer: fromHex(writer), name: '' })
const GENESIS = { type: 'genesis' as const, deleteWins: false, ownerKey: null, name: '' }
const cutAt = (length: number) => ({ length, fork: 0, treeHash: new Uint8Array(32) })
const forkRec = (log: string, length: number) => ({
  type: 'fork' as const,
  writer: fromHex(log),
  cutOff: cutAt(length),
  proof: forkOf(keyPairOf(log), length).proof
})

test('who has stolen a device that was removed, though it was the first, cannot take back what it wrote, from a log that it names', async () => {
  const Z = WRITERS[2] as string
  const stolen = new MaliciousMember(fromHex(FIRST))
  const accomplice = new MaliciousMember(fromHex(Z))
  const device = new EngineDevice(
    new MemoryLog(fromHex(SECOND)),
    fromHex(FIRST),
    new Map([
      [FIRST, stolen.log],
      [Z, accomplice.log]
    ]),
    () => NOW,
    OWN_SPARES[0]
  )
  stolen.write({ membership: [{ ...GENESIS, ownerKey: fromHex(SECOND) }, add(SECOND)] })
  stolen.write({ operations: [operation('a', '', '1')] })
  await device.open()
  device.log(FIRST).deliver(2)
  await device.engine.settle()
  await put(device, '62', '2')
  await device.engine.submit({
    type: 'membership',
    records: [{ type: 'remove', writer: fromHex(FIRST), cutOff: cutAt(2) }]
  })
  const before = await device.shown(KEYS)
  expect(before.entries).toMatchObject({ 61: { text: '1' }, 62: { text: '2' } })
  // the thief, past the removal:
  stolen.write({ membership: [add(Z)] })
  accomplice.write({ membership: [forkRec(FIRST, 0)] })
  device.log(FIRST).deliver(3)
  device.log(Z).deliver(1)
  const after = await device.shown(KEYS)
  expect(after.members.map(({ cutOff }) => cutOff)).toEqual([2, null])
  expect(after.entries).toEqual(before.entries)
  await device.engine.close()
})

test('nor when it was another one', async () => {
  const [M, Z] = [WRITERS[2] as string, WRITERS[3] as string]
  const [m, z] = [new MaliciousMember(fromHex(M)), new MaliciousMember(fromHex(Z))]
  m.write({ operations: [operation('m', '', '1')], context: { [FIRST]: 1 } })
  const a = new EngineDevice(
    new MemoryLog(fromHex(FIRST)),
    fromHex(FIRST),
    new Map([
      [M, m.log],
      [Z, z.log]
    ]),
    () => NOW,
    OWN_SPARES[0]
  )
  await a.open()
  await a.engine.submit({ type: 'membership', records: [GENESIS, add(M)] })
  a.log(M).deliver(1)
  await a.engine.settle()
  await a.engine.submit({
    type: 'membership',
    records: [{ type: 'remove', writer: fromHex(M), cutOff: cutAt(1) }]
  })
  m.write({ membership: [{ type: 'admit', writer: fromHex(Z) }] })
  z.write({ membership: [forkRec(M, 0)] })
  a.log(M).deliver(2)
  a.log(Z).deliver(1)
  await a.engine.settle()
  const shown = await a.shown(KEYS)
  expect(shown.entries).toMatchObject({ '6d': { text: '1' } })
  await a.engine.close()
})

test('a fork at 0 of a log that is no member, told only behind a fork, leaves no two devices apart', async () => {
  const [M, S] = [WRITERS[2] as string, WRITERS[3] as string]
  const one = new MaliciousMember(fromHex(M))
  const other = new MaliciousMember(fromHex(M))
  const successor = new MaliciousMember(fromHex(S))
  for (const copy of [one, other])
    copy.write({ operations: [operation('m', '', '1')], context: { [FIRST]: 1 } })
  one.write({ membership: [forkRec(S, 0)] })
  other.write({ operations: [operation('m', '', '2')] })
  successor.write({ membership: [succession(M, S)], context: { [FIRST]: 1, [M]: 1 } })
  successor.write({ operations: [operation('s', '', '1')] })
  const own = [FIRST, SECOND].map((key) => new MemoryLog(fromHex(key))) as [MemoryLog, MemoryLog]
  const originals = (m: MaliciousMember) =>
    new Map([
      [FIRST, own[0]],
      [SECOND, own[1]],
      [M, m.log],
      [S, successor.log]
    ])
  const a = new EngineDevice(own[0], fromHex(FIRST), originals(one), () => NOW, OWN_SPARES[0])
  const b = new EngineDevice(own[1], fromHex(FIRST), originals(other), () => NOW, OWN_SPARES[1])
  await a.open()
  await b.open()
  await a.engine.submit({ type: 'membership', records: [GENESIS, add(SECOND), add(M)] })
  const meet = async () => {
    for (let i = 0; i < 6; i++)
      for (const [device, peer] of [
        [a, SECOND],
        [b, FIRST]
      ] as const) {
        device.log(peer).deliver(100)
        device.log(M).deliver(2)
        device.log(S).deliver(2)
        await device.engine.introduce(fromHex(S))
        await device.engine.settle()
      }
  }
  await meet()
  // a and b compare M's copies, and both have the proof.
  a.log(M).fork = forkOf(keyPairOf(M), 1)
  b.log(M).fork = forkOf(keyPairOf(M), 1)
  await meet()
  await meet()
  await put(b, '62', '7')
  await meet()
  const [shownA, shownB] = [await a.shown(KEYS), await b.shown(KEYS)]
  expect(shownA).toEqual(shownB)
  await a.engine.close()
  await b.engine.close()
})

test('a fork of a log of which not all is here yet cuts nothing that all copies hold', async () => {
  const other = new MaliciousMember(fromHex(SECOND))
  const device = new EngineDevice(
    new MemoryLog(fromHex(FIRST)),
    fromHex(FIRST),
    new Map([[SECOND, other.log]]),
    () => NOW,
    OWN_SPARES[0]
  )
  await device.open()
  await device.engine.submit({ type: 'membership', records: [GENESIS, add(SECOND)] })
  for (let i = 0; i < 8; i++)
    other.write({ operations: [operation(String(i), '', '1')], context: { [FIRST]: 1 } })
  device.log(SECOND).deliver(2)
  await device.engine.settle()
  device.log(SECOND).fork = forkOf(keyPairOf(SECOND), 6)
  await device.engine.settle()
  device.log(SECOND).deliver(8)
  await device.engine.settle()
  const shown = await device.shown([])
  expect(shown.members[1]?.cutOff).toBe(6)
  await device.engine.close()
})

test('what a device has heard of a fork it says again, for one with another copy, in which who told it was never let in', async () => {
  const [B, C, D] = WRITERS.slice(2) as [string, string, string]
  const [one, other, host, teller] = [B, B, C, D].map((key) => new MaliciousMember(fromHex(key))) as [
    MaliciousMember,
    MaliciousMember,
    MaliciousMember,
    MaliciousMember
  ]
  for (const copy of [one, other])
    copy.write({ operations: [operation('b', '', '1')], context: { [FIRST]: 1 } })
  one.write({ operations: [operation('b', '', '2')] })
  other.write({ membership: [{ type: 'remove', writer: fromHex(C), cutOff: cutAt(0) }] })
  host.write({ membership: [add(D)], context: { [FIRST]: 1 } })
  teller.write({ membership: [forkRec(B, 1)], context: { [FIRST]: 1, [C]: 1 } })
  const own = [FIRST, SECOND].map((key) => new MemoryLog(fromHex(key))) as [MemoryLog, MemoryLog]
  const [a, b] = [one, other].map((copy, i) => {
    const logs = new Map([
      [FIRST, own[0]],
      [SECOND, own[1]],
      [B, copy.log],
      [C, host.log],
      [D, teller.log]
    ])
    return new EngineDevice(own[i] as MemoryLog, fromHex(FIRST), logs, () => NOW, OWN_SPARES[i])
  }) as [EngineDevice, EngineDevice]
  await a.open()
  await b.open()
  await a.engine.submit({ type: 'membership', records: [GENESIS, add(SECOND), add(B), add(C)] })
  a.log(B).deliver(2)
  await a.engine.settle()
  await a.engine.submit({
    type: 'membership',
    records: [{ type: 'remove', writer: fromHex(B), cutOff: cutAt(2) }]
  })
  for (let round = 0; round < 6; round++)
    for (const device of [a, b]) {
      for (const key of [FIRST, SECOND, B, C, D]) device.log(key).deliver(100)
      await device.engine.settle()
    }
  const [shownA, shownB] = [await a.shown(KEYS), await b.shown(KEYS)]
  expect(shownA).toEqual(shownB)
  expect(shownA.members.find(({ writer }) => writer === B)?.cutOff).toBe(1)
  await a.engine.close()
  await b.engine.close()
})
