import b4a from 'b4a'
import { expect, test } from 'vitest'
import { add, change, fork, genesis, remove, succeed, world, write } from './oracle/build.ts'
import { oracle } from './oracle/oracle.ts'
import { SPARES, STRANGER, WRITERS } from './oracle/values.ts'
import { EngineDevice, shownByOracle } from './support/engine-device.ts'
import { Controls } from '../src/membership/controls.ts'
import { walk } from '../src/membership/walk.ts'
import type { MembershipRecord } from '../src/merge/transaction.ts'
import { WriterTable } from '../src/merge/writer-table.ts'
import { MemoryLog } from './support/memory-log.ts'
import { blocksOf } from './support/world-blocks.ts'

const [A, B] = WRITERS as [string, string]
const [X] = SPARES as [string]

test('a log that tells of a fork of the one it goes on from does not cut it before that one is known either', async () => {
  const whole = world(
    {
      [A]: [genesis([]), change({}, add(B), remove(B, 2))],
      [B]: [write({ [A]: 2 }, []), write({}, [])],
      [X]: [change({ [A]: 1 }, succeed(B), fork(B, 1))]
    },
    A
  )
  const originals = new Map(
    [...blocksOf(whole)].map(([key, blocks]) => {
      const log = new MemoryLog(b4a.from(key, 'hex'))
      log.blocks.push(...blocks)
      return [key, log]
    })
  )
  const device = new EngineDevice(
    new MemoryLog(b4a.from(STRANGER, 'hex')),
    b4a.from(A, 'hex'),
    originals,
    () => 1_000_000
  )
  await device.open()
  device.log(A).deliver(1)
  device.log(X).deliver(1)
  await device.engine.introduce(b4a.from(X, 'hex'))
  device.engine.kick()
  await device.engine.settle()
  device.log(A).deliver(2)
  device.engine.kick()
  const expected = oracle(whole)
  expect(expected.forks).toEqual({})
  expect((await device.shown([])).members).toEqual(shownByOracle(expected, []).members)
  await device.engine.close()
})

test('a walk gives the same when it is repeated, also when it is what first gave a writer a number', () => {
  const key = (byte: number): Uint8Array => b4a.alloc(32, byte)
  const cutOff = (length: number) => ({ length, fork: 0, treeHash: key(0) })
  const log = (...membership: MembershipRecord[]) => [{ seq: 0, length: 1, raises: [], membership }]
  const writers = new WriterTable()
  const [first, successor] = [writers.idOf(key(1)), writers.idOf(key(2))]
  const previous = key(3)
  const controls = new Controls([
    [
      first,
      log(
        { type: 'genesis', deleteWins: false, ownerKey: null, name: '' },
        { type: 'add', writer: previous, name: '' },
        { type: 'remove', writer: previous, cutOff: cutOff(2) }
      )
    ],
    [
      successor,
      log(
        { type: 'succeed', previous, publicKey: key(0), signature: key(0) },
        { type: 'fork', writer: previous, cutOff: cutOff(1), proof: key(0) }
      )
    ]
  ])
  for (let i = 0; i < 2; i++) {
    const { members } = walk(first, controls, () => 1, writers)
    expect(members.map(({ cutOff }) => cutOff?.length)).toEqual([undefined, 2])
  }
})
