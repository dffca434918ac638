import b4a from 'b4a'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { oracle } from './oracle/oracle.ts'
import type { Element, World } from './oracle/types.ts'
import { KEYS, SPARES, STRANGER } from './oracle/values.ts'
import { honestWorld, hostileWorld } from './oracle/worlds.ts'
import { EngineDevice, shownByOracle } from './support/engine-device.ts'
import { MemoryLog } from './support/memory-log.ts'
import { runs } from './support/property-runs.ts'
import { blocksOf, worldOf } from './support/world-blocks.ts'

/** The device's own log has the key that worlds take for a stranger's: hostile ones add it, remove it and claim its blocks. */
const SELF = STRANGER

type Step = {
  log: number
  transactions: number
  write: string | null
  next: 'go on' | 'compare' | 'restart' | 'crash'
}

const steps = fc.array(
  fc.record<Step>({
    log: fc.nat(9),
    transactions: fc.integer({ min: 1, max: 6 }),
    write: fc.option(fc.constantFrom('0', '{}', '{"a":1}', '{"a":{"b":2},"b":0}')),
    next: fc.constantFrom('go on', 'go on', 'compare', 'restart', 'crash')
  }),
  { maxLength: 30, size: 'max' }
)

/** Delivers a world in the given order, writes where it may, and compares with the oracle on the way and at the end. */
async function deliver(world: World, order: readonly Step[]): Promise<void> {
  const originals = new Map([...blocksOf(world)].map(([key, blocks]) => [key, logOf(key, blocks)]))
  const device = new EngineDevice(
    new MemoryLog(b4a.from(SELF, 'hex')),
    b4a.from(world.first, 'hex'),
    originals,
    () => 1_000_000,
    SPARES.filter((key) => world.logs[key] === undefined)
  )
  await device.open()
  const names = Object.keys(world.logs)
  const delivered: Record<string, number> = {}
  const compare = async (): Promise<void> => {
    const shown = await device.shown(KEYS)
    // A log that nobody has named yet is not held, though it was delivered.
    const held = [...device.followed].map((name): [string, Uint8Array[]] => [
      name,
      device.log(name).blocks.slice(0, device.log(name).available)
    ])
    const expected = oracle(worldOf(world.first, new Map(held)))
    expect(shown).toEqual(shownByOracle(expected, KEYS))
    for (const { writer } of expected.members) expect(device.followed).toContain(writer)
    for (const name of introduced()) expect(device.followed).toContain(name)
    expect(device.failures).toEqual([])
  }
  const introduced = (): string[] =>
    names.filter(
      (name) => world.logs[name]?.[0]?.membership[0]?.type === 'succeed' && delivered[name] !== undefined
    )
  /** As other devices do, of the logs they hold that go on from others. */
  const introduceAll = async (): Promise<void> => {
    for (const name of introduced()) await device.engine.introduce(b4a.from(name, 'hex'))
  }
  const end: Step[] = names.map((_, log) => ({ log, transactions: 1000, write: null, next: 'compare' }))
  for (const { log, transactions, write, next } of [...order, ...end]) {
    const name = names[log % names.length] as string
    const all = world.logs[name] ?? []
    delivered[name] = Math.min(all.length, (delivered[name] ?? 0) + transactions)
    const last = all[delivered[name] - 1]
    if (last !== undefined) device.log(name).deliver(last.seq + last.length)
    await introduceAll()
    device.engine.kick()
    if (write !== null && device.isWritable) {
      const intent = { type: 'put' as const, value: { document: true, bytes: b4a.from(write) } }
      const writes = [{ key: b4a.from('6b', 'hex'), intent, base: null, compare: null }]
      await device.engine.submit({ type: 'write', writes, atomic: false }).catch(unlessRefused)
    }
    if (next === 'crash') await device.crash()
    if (next === 'restart') await device.restart()
    if (next === 'crash' || next === 'restart') await introduceAll()
    if (next !== 'go on') await compare()
  }
  expect(device.store.snapshots).toBe(0)
  await device.engine.close()
}

/** What was delivered may have removed the device. */
function unlessRefused(error: unknown): void {
  if ((error as { code?: string }).code !== 'MULTI_BEE_NOT_WRITABLE') throw error
}

function logOf(key: string, blocks: Uint8Array[]): MemoryLog {
  const log = new MemoryLog(b4a.from(key, 'hex'))
  log.blocks.push(...blocks)
  return log
}

describe('a device that receives the logs piece by piece equals the oracle, whatever arrives first', () => {
  test('honest devices', async () => {
    await fc.assert(fc.asyncProperty(honestWorld(), steps, deliver), runs(300))
  })
  test('honest devices that remove nobody', async () => {
    await fc.assert(fc.asyncProperty(honestWorld({ removals: false }), steps, deliver), runs(150))
  })
  test('hostile devices', async () => {
    await fc.assert(fc.asyncProperty(hostileWorld(), steps, deliver), runs(400))
  })
})

describe('the blocks of a world', () => {
  test('decode to the world they were made from', () => {
    fc.assert(
      fc.property(hostileWorld(), (world) => {
        const decoded = worldOf(world.first, blocksOf(world))
        expect(shownByOracle(oracle(decoded), [])).toEqual(shownByOracle(oracle(world), []))
        for (const key of KEYS)
          expect(oracle(decoded).remaining(key).map(untimed)).toEqual(
            oracle(world).remaining(key).map(untimed)
          )
      }),
      runs(200)
    )
  })
})

/** Times are moved on the wire, which keeps their order. */
function untimed(element: Element): object {
  return { ...element, dot: { ...element.dot, ms: 0 } }
}
