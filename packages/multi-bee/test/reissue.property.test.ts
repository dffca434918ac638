import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { canonicalJson } from '../src/merge/canonical-json.ts'
import { OWN_SPARES, WRITERS } from './oracle/values.ts'
import { fromHex } from './support/block-vectors.ts'
import { EngineDevice } from './support/engine-device.ts'
import { callForked, put } from './support/forked-device.ts'
import { hexOf, MaliciousMember, NOW } from './support/malicious-member.ts'
import { MemoryLog } from './support/memory-log.ts'
import { runs } from './support/property-runs.ts'

const [FIRST, SECOND] = WRITERS as [string, string]
const KEYS = ['61', '62', '63']
const SPARES = OWN_SPARES.flat()
const GENESIS = { type: 'genesis' as const, deleteWins: false, ownerKey: null, name: '' }
const add = (writer: string) => ({ type: 'add' as const, writer: fromHex(writer), name: '' })

afterEach(() => void vi.restoreAllMocks())

const leaf = fc.integer({ min: 0, max: 3 })
const map = fc.dictionary(
  fc.constantFrom('x', 'y', 'z'),
  fc.oneof(leaf, fc.dictionary(fc.constantFrom('x', 'y'), leaf))
)
const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('put' as const),
      key: fc.constantFrom(...KEYS),
      value: fc.oneof({ weight: 4, arbitrary: map }, leaf)
    })
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('fork' as const),
      log: fc.nat(),
      at: fc.nat(),
      crash: fc.option(fc.nat(6))
    })
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('crash' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('move' as const) }) }
)

/** Goes on with a copy of the device as it is after so many appends, if it comes to that. */
async function settleUnlessKilled(device: EngineDevice, kill: number | null): Promise<EngineDevice> {
  let left = kill ?? Infinity
  let copy: EngineDevice | null = null
  const { append } = MemoryLog.prototype
  vi.spyOn(MemoryLog.prototype, 'append').mockImplementation(async function (this: MemoryLog, blocks) {
    if (left-- === 0) copy = device.copy()
    await append.call(this, blocks)
  })
  await device.engine.settle()
  vi.restoreAllMocks()
  if (copy === null) return device
  await device.engine.close()
  return copy
}

/** Opens a device that was off. What others have of its logs does not matter here: they say nothing but that they are forked. */
async function reopen(device: EngineDevice, member: MaliciousMember, line: readonly string[]): Promise<void> {
  const replica = new MemoryLog(member.log.key, member.log)
  replica.deliver(member.log.blocks.length)
  device.logs.set(SECOND, replica)
  await device.open()
  for (const log of line) await device.engine.introduce(fromHex(log))
  await device.engine.settle()
}

test('a device alone shows what it has put last, whichever of its logs turn out to be forked, at whatever places, and wherever it is killed or moved meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 14 }), async (actions) => {
      const member = new MaliciousMember(fromHex(SECOND))
      const first = new EngineDevice(
        new MemoryLog(fromHex(FIRST)),
        fromHex(FIRST),
        new Map([[SECOND, member.log]]),
        () => NOW,
        SPARES
      )
      await first.open()
      await first.engine.submit({ type: 'membership', records: [GENESIS, add(SECOND)] })
      let device = first
      const shown = new Map<string, unknown>()
      /** Its logs that are written, and whether what a fork cuts off them is done again. */
      const line = new Map([[FIRST, true]])
      const ownKey = (): string => hexOf(device.own.key)
      for (const next of actions) {
        if (next.type === 'put') {
          await put(device, next.key, canonicalJson(next.value) as string)
          shown.set(next.key, next.value)
        } else if (next.type === 'crash') {
          const copy = device.copy()
          await device.engine.close()
          device = copy
          await reopen(device, member, [...line.keys()])
        } else if (next.type === 'move') {
          if (SPARES.indexOf(ownKey()) > SPARES.length - 3) continue
          const copy = device.copy()
          await device.engine.close()
          device = copy
          line.set(ownKey(), false)
          await device.moveStore()
          await reopen(device, member, [...line.keys()])
          line.set(ownKey(), true)
        } else {
          if (SPARES.indexOf(ownKey()) > SPARES.length - 3) continue
          const eligible = [...line].filter(([, isDone]) => isDone).map(([log]) => log)
          const log = eligible[next.log % eligible.length] as string
          callForked(member, log, 1 + (next.at % device.log(log).blocks.length))
          device.log(SECOND).deliver(member.log.blocks.length)
          const before = device
          device = await settleUnlessKilled(device, next.crash)
          if (device !== before) await reopen(device, member, [...line.keys()])
          line.set(ownKey(), true)
        }
        await device.engine.settle()
        const { entries, conflicts } = await device.shown(KEYS)
        const values = Object.fromEntries(
          Object.entries(entries).map(([key, value]) => [
            key,
            JSON.parse((value as { text: string }).text) as unknown
          ])
        )
        expect(values).toEqual(Object.fromEntries(shown))
        expect(conflicts).toEqual({})
        expect(device.failures).toEqual([])
      }
      await device.engine.close()
    }),
    runs(300)
  )
})
