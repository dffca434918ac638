import b4a from 'b4a'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Base, LocalRequest, Write } from '../src/engine/requests.ts'
import { pathOf } from '../src/merge/path.ts'
import type { Value } from '../src/merge/transaction.ts'
import { oracle } from './oracle/oracle.ts'
import { putOperations } from './oracle/put.ts'
import type { World } from './oracle/types.ts'
import { field, key, KEYS, path, value, WRITERS } from './oracle/values.ts'
import { EngineDevice, shownByOracle } from './support/engine-device.ts'
import { MemoryLog } from './support/memory-log.ts'
import { runs } from './support/property-runs.ts'
import { worldOf } from './support/world-blocks.ts'

const YEAR_MS = 365 * 24 * 3_600_000

type PlainValue = { kind: 'document'; text: string } | { kind: 'opaque'; hex: string }

type Change =
  | { change: 'put'; key: string; value: PlainValue; back: number | null }
  | { change: 'del'; key: string; back: number | null }
  | { change: 'resolve'; key: string; path: string[]; value: PlainValue | null }

/** A device is let in, or removed at so many blocks less than is merged. */
type MemberChange = { whom: number; remove: boolean; back: number }

type Command =
  | { do: 'write'; device: number; changes: Change[]; atomic: boolean }
  | {
      do: 'deliver'
      to: number
      from: number
      blocks: number
      while: Change[]
      meanwhile: MemberChange | null
    }
  | { do: 'restart'; device: number; crash: boolean }
  | { do: 'membership'; device: number; whom: number; remove: boolean; back: number }
  | { do: 'wait'; ms: number }

const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      change: fc.constant('put' as const),
      key,
      value,
      back: fc.option(fc.nat(4), { freq: 4 })
    })
  },
  {
    weight: 2,
    arbitrary: fc.record({
      change: fc.constant('del' as const),
      key,
      back: fc.option(fc.nat(4), { freq: 4 })
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({ change: fc.constant('resolve' as const), key, path, value: fc.option(field) })
  }
)

const device = fc.nat(2)

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      device,
      changes: fc.array(change, { minLength: 1, maxLength: 5 }),
      atomic: fc.boolean()
    })
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('deliver' as const),
      to: device,
      from: device,
      blocks: fc.integer({ min: 1, max: 9 }),
      while: fc.array(change, { maxLength: 2 }),
      meanwhile: fc.option(fc.record({ whom: device, remove: fc.boolean(), back: fc.nat(2) }), { freq: 6 })
    })
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('restart' as const), device, crash: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('membership' as const),
      device,
      whom: device,
      remove: fc.boolean(),
      back: fc.nat(2)
    })
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 1000, 120_000) })
  }
)

const scenario = fc.record({
  deleteWins: fc.boolean(),
  clocks: fc.array(
    fc.record({ offset: fc.constantFrom(0, 0, 1, YEAR_MS, -YEAR_MS), rate: fc.constantFrom(1, 1, 0, -1) }),
    { minLength: 3, maxLength: 3 }
  ),
  commands: fc.array(command, { maxLength: 40, size: 'max' })
})

/** A few real engines, joined by hand. */
class Network {
  readonly devices: EngineDevice[]
  readonly originals: Map<string, MemoryLog>
  readonly reads: Base[][]
  trueMs = 0

  constructor(clocks: readonly { offset: number; rate: number }[]) {
    const logs = clocks.map((_, i) => new MemoryLog(b4a.from(WRITERS[i] as string, 'hex')))
    this.originals = new Map(logs.map((log) => [hexOf(log.key), log]))
    this.reads = clocks.map(() => [])
    this.devices = clocks.map(({ offset, rate }, i) => {
      const now = (): number => 2 * YEAR_MS + offset + rate * this.trueMs
      return new EngineDevice(logs[i] as MemoryLog, (logs[0] as MemoryLog).key, this.originals, now)
    })
  }

  world(device: EngineDevice): World {
    const held = [...device.logs].map(([name, log]): [string, Uint8Array[]] => [
      name,
      log.blocks.slice(0, log.available)
    ])
    return worldOf(WRITERS[0] as string, new Map(held))
  }

  /** Compares a device with the oracle over what it holds. */
  async check(device: EngineDevice): Promise<void> {
    const shown = await device.shown(KEYS)
    expect(device.failures).toEqual([])
    expect(shown).toEqual(shownByOracle(oracle(this.world(device)), KEYS))
  }
}

async function run({
  deleteWins,
  clocks,
  commands
}: {
  deleteWins: boolean
  clocks: { offset: number; rate: number }[]
  commands: Command[]
}): Promise<void> {
  const network = new Network(clocks)
  const { devices, reads } = network
  const at = (place: number): EngineDevice => devices[place % devices.length] as EngineDevice
  for (const each of devices) await each.open()
  const adds = devices
    .slice(1, 2)
    .map(({ own }) => ({ type: 'add' as const, writer: own.key, name: 'second' }))
  await at(0).engine.submit({
    type: 'membership',
    records: [{ type: 'genesis', deleteWins, ownerKey: null, name: 'first' }, ...adds]
  })

  for (const step of commands) {
    if (step.do === 'wait') {
      network.trueMs += step.ms
      continue
    }
    const place = step.do === 'deliver' ? step.to : step.device
    const target = at(place)
    const bases = reads[place % devices.length] as Base[]
    if (step.do === 'restart') await (step.crash ? target.crash() : target.restart())
    else if (step.do === 'deliver') {
      const log = target.log(hexOf(at(step.from).own.key))
      if (log !== target.own) log.deliver(log.available + step.blocks)
      target.engine.kick()
      // In flight while what has arrived is being merged.
      await Promise.all([
        step.meanwhile && changeMembers(target, at(step.meanwhile.whom), step.meanwhile),
        ...requestsOf(step.while, false, bases).map((request) =>
          target.engine.submit(request).catch(unlessRefused)
        )
      ])
    } else if (step.do === 'write') {
      const requests = requestsOf(step.changes, step.atomic, bases)
      await Promise.all(requests.map((request) => target.engine.submit(request).catch(unlessRefused)))
    } else {
      await changeMembers(target, at(step.whom), step)
    }
    await network.check(target)
    const [only, ...others] = step.do === 'write' ? step.changes : []
    if (only?.change === 'put' && only.back === null && others.length === 0 && target.isWritable) {
      expect((await target.shown(KEYS)).entries[only.key]).toEqual(only.value)
    }
    // A base is only good for the process that made the read.
    if (step.do === 'restart') bases.length = 0
    bases.push(target.engine.base)
  }

  for (const to of devices) {
    for (const [name, { blocks }] of network.originals)
      if (name !== hexOf(to.own.key)) to.log(name).deliver(blocks.length)
    to.engine.kick()
    await network.check(to)
  }
  const shown = await Promise.all(devices.map((each) => each.shown(KEYS)))
  for (const other of shown) expect(other).toEqual(shown[0])
  for (const each of devices) await each.engine.close()
}

async function changeMembers(
  device: EngineDevice,
  whom: EngineDevice,
  { remove, back }: MemberChange
): Promise<void> {
  const writer = whom.own.key
  const { state } = device.engine
  const id = state.writers.find(writer)
  const member = state.membership.get(id)
  if (remove ? member?.cutOff !== null : member !== undefined) return
  const cutOff = { length: Math.max(0, (state.applied[id] ?? 0) - back), fork: 0, treeHash: b4a.alloc(32) }
  const record = remove
    ? ({ type: 'remove', writer, cutOff } as const)
    : ({ type: 'add', writer, name: 'late' } as const)
  await device.engine.submit({ type: 'membership', records: [record] }).catch(unlessRefused)
}

function requestsOf(changes: readonly Change[], atomic: boolean, bases: readonly Base[]): LocalRequest[] {
  const common = atomic
    ? baseAt(bases, changes[0]?.change === 'resolve' ? null : (changes[0]?.back ?? null))
    : null
  const writes = changes
    .filter((each) => !atomic || each.change !== 'resolve')
    .map((each): Write => {
      const base = atomic ? common : each.change === 'resolve' ? null : baseAt(bases, each.back)
      return { key: b4a.from(each.key, 'hex'), intent: intentOf(each), base, compare: null }
    })
  return atomic
    ? [{ type: 'write', writes, atomic }]
    : writes.map((write) => ({ type: 'write', writes: [write], atomic }))
}

function intentOf(each: Change): Write['intent'] {
  if (each.change === 'put') return { type: 'put', value: valueOf(each.value) }
  if (each.change === 'del') return { type: 'del' }
  const isMisplaced = each.value?.kind === 'opaque' && each.path.length > 0
  return {
    type: 'resolve',
    path: pathOf(each.path),
    value: each.value === null || isMisplaced ? null : valueOf(each.value)
  }
}

function baseAt(bases: readonly Base[], back: number | null): Base | null {
  return back === null ? null : (bases.at(-1 - back) ?? null)
}

function valueOf(plain: PlainValue): Value {
  return plain.kind === 'document'
    ? { document: true, bytes: b4a.from(plain.text) }
    : { document: false, bytes: b4a.from(plain.hex, 'hex') }
}

/** A device that is not a member is refused; anything else is a failure. */
function unlessRefused(error: unknown): void {
  if ((error as { code?: string }).code !== 'MULTI_BEE_NOT_WRITABLE') throw error
}

const hexOf = (bytes: Uint8Array): string => b4a.toString(bytes, 'hex')

describe('devices that write, meet, crash and restart', () => {
  test('equal the oracle over the logs they hold after every step, and each other in the end', async () => {
    await fc.assert(fc.asyncProperty(scenario, run), runs(400))
  })

  test('show what was put, when nothing came between', async () => {
    const puts = fc.array(fc.record({ key, value, restart: fc.constantFrom(false, false, true) }), {
      maxLength: 12
    })
    await fc.assert(
      fc.asyncProperty(puts, fc.boolean(), async (list, deleteWins) => {
        const network = new Network([{ offset: 0, rate: 1 }])
        const only = network.devices[0] as EngineDevice
        await only.open()
        await only.engine.submit({
          type: 'membership',
          records: [{ type: 'genesis', deleteWins, ownerKey: null, name: '' }]
        })
        for (const each of list) {
          const before = oracle(network.world(only))
          const expected = putOperations(each.key, before.entries.get(each.key) ?? null, each.value, (p) =>
            before.hasMarker(each.key, p)
          )
          const request = requestsOf(
            [{ change: 'put', key: each.key, value: each.value, back: null }],
            false,
            []
          )
          await only.engine.submit(request[0] as LocalRequest)
          const log = network.world(only).logs[WRITERS[0] as string] ?? []
          const wrote = log
            .slice(before.applied[WRITERS[0] as string] ?? 0)
            .flatMap(({ operations }) => operations)
          expect(sorted(wrote)).toEqual(sorted(expected))
          if (each.restart) await only.restart()
          expect((await only.shown(KEYS)).entries[each.key]).toEqual(each.value)
        }
        await only.engine.close()
      }),
      runs(200)
    )
  })
})

function sorted(operations: readonly unknown[]): string[] {
  return operations.map((operation) => JSON.stringify(operation, Object.keys(flat(operation)).sort())).sort()
}

function flat(operation: unknown): Record<string, unknown> {
  return { ...(operation as Record<string, unknown>), kind: 0, text: 0, hex: 0 }
}
