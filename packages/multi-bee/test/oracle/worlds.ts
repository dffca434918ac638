/** Arbitraries for worlds. Everything shrinks towards few devices, few commands, equal times. */

import fc from 'fast-check'
import { describeWorld } from './describe.ts'
import { type Change, type Clock, type Command, type Run, type Scenario, simulate } from './simulate.ts'
import type { Membership, Operation, Transaction, World } from './types.ts'
import { field, key, opaque, path, SPARES, STRANGER, value, WRITERS } from './values.ts'

const YEAR_MS = 365 * 24 * 3_600_000

const MOST_LOGS = WRITERS.length + SPARES.length

/** Makes a failing example print as text. The method is not enumerable, so that `toEqual` does not see it. */
function printable<T extends object>(subject: T, print: () => string): T {
  return Object.defineProperty(subject, fc.toStringMethod, { value: print, enumerable: false })
}

/** Right, off by up to a year, frozen, or running backwards. */
export const clock: fc.Arbitrary<Clock> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Clock>({ offsetMs: 0, rate: 1 }) },
  fc.record<Clock>({
    offsetMs: fc.constantFrom(0, YEAR_MS, -YEAR_MS, 61_000, 1),
    rate: fc.constantFrom(1, 0, -1)
  })
)

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ change: fc.constant('put' as const), key, value }) },
  {
    weight: 2,
    arbitrary: fc.record({ change: fc.constant('based put' as const), key, value, back: fc.nat(4) })
  },
  { weight: 1, arbitrary: fc.record({ change: fc.constant('del' as const), key }) },
  { weight: 3, arbitrary: fc.record({ change: fc.constant('drop' as const), key, pick: fc.nat(5) }) },
  {
    weight: 2,
    arbitrary: fc.record({ change: fc.constant('resolve' as const), key, pick: fc.nat(5), value: field })
  }
)

/** What may happen in an honest world. */
export interface HonestOptions {
  /** Whether devices may be removed, and logs cut off by a fork (default true). */
  removals?: boolean
  /** Whether devices may go on in new logs (default true). */
  epochs?: boolean
  /** Whether puts may be based on older reads (default true). */
  based?: boolean
  /** Fixed for the database; either when not given. */
  deleteWins?: boolean
  maxCommands?: number
}

function commandArbitrary(
  devices: number,
  { removals = true, epochs = true, based = true }: HonestOptions
): fc.Arbitrary<Command> {
  const device = fc.nat(devices - 1)
  const changes = based ? change : change.filter((one) => one.change !== 'based put')
  const kinds: Array<{ weight: number; arbitrary: fc.Arbitrary<Command> }> = [
    {
      weight: 24,
      arbitrary: fc.record({
        do: fc.constant('write' as const),
        device,
        changes: fc.array(changes, { minLength: 1, maxLength: 3 }),
        length: fc.constantFrom(1, 1, 1, 3),
        passedMs: fc.constantFrom(0, 0, 1, 1000, 120_000)
      })
    },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('deliver' as const),
        from: device,
        to: device,
        count: fc.integer({ min: 1, max: 4 })
      })
    },
    { weight: 10, arbitrary: fc.record({ do: fc.constant('sync' as const), from: device, to: device }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('add' as const), device, whom: device }) }
  ]
  if (removals) {
    kinds.push({
      weight: 1,
      arbitrary: fc.record({
        do: fc.constantFrom('remove' as const, 'fork' as const),
        device,
        whom: device,
        back: fc.nat(2)
      })
    })
  }
  if (epochs) {
    kinds.push({
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('epoch' as const), device, lost: fc.constantFrom(0, 0, 1, 3) })
    })
  }
  return fc.oneof(...kinds)
}

/** Two to five honest devices with clocks of their own. */
function scenario(options: HonestOptions = {}): fc.Arbitrary<Scenario> {
  return fc.integer({ min: 2, max: 5 }).chain((devices) =>
    fc.record<Scenario>({
      deleteWins: options.deleteWins === undefined ? fc.boolean() : fc.constant(options.deleteWins),
      owner: fc.option(fc.nat(devices - 1)),
      clocks: fc.array(clock, { minLength: devices, maxLength: devices }),
      joined: fc.oneof({ weight: 3, arbitrary: fc.constant(devices) }, fc.integer({ min: 1, max: devices })),
      commands: fc.array(commandArbitrary(devices, options), {
        maxLength: options.maxCommands ?? 60,
        size: 'max'
      })
    })
  )
}

/** An honest world with what each device saw on the way. */
export function honestRun(options: HonestOptions = {}): fc.Arbitrary<Run> {
  return scenario(options).map((given) => {
    const run = simulate(given)
    const print = (): string =>
      `${JSON.stringify({ ...given, commands: undefined })}\n` +
      given.commands.map((command) => '  ' + JSON.stringify(command)).join('\n') +
      '\n' +
      describeWorld(run.world)
    return printable(run, print)
  })
}

/** All logs of an honest world. */
export function honestWorld(options: HonestOptions = {}): fc.Arbitrary<World> {
  return honestRun(options).map(({ world }) => printable(world, () => describeWorld(world)))
}

/** A world and what a device holds that got only a prefix of each log. */
export function partOf(worlds: fc.Arbitrary<World>): fc.Arbitrary<{ world: World; part: World }> {
  return fc
    .tuple(worlds, fc.array(fc.nat(20), { minLength: MOST_LOGS, maxLength: MOST_LOGS }))
    .map(([world, cuts]) => {
      const logs = Object.entries(world.logs).map(([writer, log], place) => [
        writer,
        log.slice(0, Math.max(0, log.length - (cuts[place] ?? 0)))
      ])
      const part: World = { first: world.first, logs: Object.fromEntries(logs) }
      return printable(
        { world, part },
        () => `${describeWorld(world)}\nof which are held\n${describeWorld(part)}`
      )
    })
}

/** A transaction before its log is known. Writers are places in `WRITERS`; the last place is the stranger. */
interface RawTransaction {
  length: number
  ms: number
  counter: number
  gains: number[]
  namesItself: boolean
  membership: Membership[]
  operations: Array<{ operation: Operation; lowered: number[] | null }>
}

/** Raw random logs: nothing in them is plausible, everything is well-formed. */
export function hostileWorld(options: { maxTransactions?: number } = {}): fc.Arbitrary<World> {
  const maxLength = Math.ceil((options.maxTransactions ?? 40) / 4)
  return fc.integer({ min: 1, max: WRITERS.length }).chain((devices) => {
    const writers = WRITERS.slice(0, devices)
    const log = (minLength: number): fc.Arbitrary<RawTransaction[]> =>
      fc
        .tuple(
          fc.array(rawTransaction(writers), { minLength, maxLength, size: 'max' }),
          fc.option(fc.constantFrom(...writers, STRANGER), { freq: 2 })
        )
        .map(([transactions, previous]) =>
          previous === null ? transactions : succeeding(previous, transactions)
        )
    const logs = fc.tuple(...writers.map((_, place) => log(place === 0 ? 1 : 0)))
    return fc.tuple(logs, genesisRecords(writers)).map(([raw, records]) => {
      const entries = raw.map((transactions, place) => [
        writers[place],
        logFrom(transactions, writers, place)
      ])
      const world: World = { first: writers[0] as string, logs: Object.fromEntries(entries) }
      const membership = world.logs[world.first]?.[0]?.membership
      membership?.splice(membership[0]?.type === 'succeed' ? 1 : 0, 0, ...records)
      return printable(world, () => describeWorld(world))
    })
  })
}

/** The log goes on from another one. */
function succeeding(previous: string, [first, ...rest]: RawTransaction[]): RawTransaction[] {
  if (first === undefined) return []
  return [{ ...first, membership: [{ type: 'succeed', previous }, ...first.membership] }, ...rest]
}

/** Most often a genesis that adds many, sometimes none at all. */
function genesisRecords(writers: string[]): fc.Arbitrary<Membership[]> {
  return fc
    .tuple(
      fc.array(genesisRecord(writers), { maxLength: 2 }),
      fc.shuffledSubarray(writers.slice(1)),
      fc.constantFrom(true, true, true, false)
    )
    .map(([genesis, added, adds]) => [
      ...genesis,
      ...(adds ? added : []).map((writer): Membership => ({ type: 'add', writer, name: 'added' }))
    ])
}

function genesisRecord(writers: string[]): fc.Arbitrary<Membership> {
  const ownerKey: fc.Arbitrary<string | null> = fc.option(fc.constantFrom(...writers, STRANGER))
  return fc.record({
    type: fc.constant('genesis' as const),
    deleteWins: fc.boolean(),
    ownerKey,
    name: fc.constantFrom('one', 'two')
  })
}

function membershipRecord(writers: string[]): fc.Arbitrary<Membership> {
  const writer = fc.constantFrom(...writers, STRANGER)
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ type: fc.constant('add' as const), writer, name: fc.constantFrom('x', 'y') })
    },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('admit' as const), writer }) },
    { weight: 4, arbitrary: fc.record({ type: fc.constant('remove' as const), writer, length: fc.nat(8) }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('fork' as const), writer, length: fc.nat(8) }) },
    { weight: 1, arbitrary: genesisRecord(writers) }
  )
}

/** Per writer (the stranger last): mostly little, now and then far into the future. */
function blocksPerWriter(writers: string[]): fc.Arbitrary<number[]> {
  const blocks = fc.oneof(
    { weight: 120, arbitrary: fc.constant(0) },
    { weight: 40, arbitrary: fc.integer({ min: 1, max: 2 }) },
    { weight: 1, arbitrary: fc.constantFrom(10, 1_000_000) }
  )
  return fc.array(blocks, { minLength: writers.length + 1, maxLength: writers.length + 1 })
}

function rawTransaction(writers: string[]): fc.Arbitrary<RawTransaction> {
  return fc.record({
    length: fc.constantFrom(1, 1, 1, 2, 4),
    ms: fc.constantFrom(0, 0, 1, 2, -1, YEAR_MS),
    counter: fc.constantFrom(0, 0, 1, 2, 10),
    gains: blocksPerWriter(writers),
    namesItself: fc.boolean(),
    membership: fc.oneof(
      { weight: 3, arbitrary: fc.constant<Membership[]>([]) },
      { weight: 1, arbitrary: fc.array(membershipRecord(writers), { minLength: 1, maxLength: 2 }) }
    ),
    operations: fc.array(rawOperation(writers), { maxLength: 4 })
  })
}

function rawOperation(writers: string[]): fc.Arbitrary<RawTransaction['operations'][number]> {
  const operation: fc.Arbitrary<Operation> = fc.oneof(
    { weight: 5, arbitrary: fc.record({ type: fc.constant('assign' as const), key, path, value: field }) },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant('assign' as const),
        key,
        path: fc.constant<string[]>([]),
        value: opaque
      })
    },
    { weight: 3, arbitrary: fc.record({ type: fc.constant('unset' as const), key, path }) }
  )
  const lowered = fc.oneof(
    { weight: 2, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: blocksPerWriter(writers) }
  )
  return fc.record({ operation, lowered })
}

/** Gives the transactions their seqs and contexts that never shrink. */
function logFrom(transactions: RawTransaction[], writers: string[], place: number): Transaction[] {
  const names = [...writers, STRANGER]
  const author = writers[place] as string
  const reached = names.map(() => 0)
  let seq = 0
  return transactions.map(({ length, ms, counter, gains, namesItself, membership, operations }) => {
    for (const [other, gain] of gains.entries()) reached[other] = (reached[other] ?? 0) + gain
    reached[place] = seq
    const whole = vectorOf(names, reached)
    const context = Object.fromEntries(Object.entries(whole).filter(([writer]) => writer !== author))
    if (namesItself) context[author] = seq
    const transaction: Transaction = {
      seq,
      length,
      ms,
      counter,
      context,
      membership: [...membership],
      operations: operations.map(({ operation, lowered }) =>
        lowered === null
          ? operation
          : {
              ...operation,
              seen: vectorOf(
                names,
                reached.map((blocks, other) => Math.max(0, blocks - (lowered[other] ?? 0)))
              )
            }
      )
    }
    seq += length
    return transaction
  })
}

/** Zeros are left out. */
function vectorOf(names: string[], blocks: number[]): Record<string, number> {
  return Object.fromEntries(
    names.map((writer, place): [string, number] => [writer, blocks[place] ?? 0]).filter(([, n]) => n > 0)
  )
}
