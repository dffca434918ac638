import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson, comparePaths, isAtOrBelow, isMap, samePath } from './canonical-json.ts'
import { runs } from '../support/property-runs.ts'
import { describeWorld } from './describe.ts'
import { compareDots, oracle } from './oracle.ts'
import { putOperations } from './put.ts'
import { type Moment, shownPaths, simulate } from './simulate.ts'
import type { Membership, Operation, OracleState, Transaction, Value, World } from './types.ts'
import { KEYS, NAMES, field, map, value, WRITERS } from './values.ts'
import { clock, honestRun, honestWorld, hostileWorld, partOf } from './worlds.ts'

const RUNS = runs(150)

/** All of a state that can be compared. */
function plain(state: OracleState) {
  const { conflicts, remaining, hasMarker: _, known: __, toSay: ___, ...rest } = state
  return {
    ...rest,
    entries: [...state.entries],
    conflicts: KEYS.map(conflicts),
    remaining: KEYS.map(remaining)
  }
}

function reversed<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).reverse())
}

/** The same world, listed in another order. */
function listedBackwards({ first, logs }: World): World {
  const turned = Object.entries(logs).map(([writer, log]) => [
    writer,
    log.map((transaction) => ({ ...transaction, context: reversed(transaction.context) }))
  ])
  return { first, logs: reversed(Object.fromEntries(turned)) }
}

function blocks(log: Transaction[]): number {
  return log.reduce((sum, { length }) => sum + length, 0)
}

/** The value at a path of an entry; undefined when there is none. */
function valueAt(shown: Value | undefined, path: string[]): string | undefined {
  if (shown === undefined) return undefined
  if (shown.kind === 'opaque') return path.length === 0 ? `0x${shown.hex}` : undefined
  let json: unknown = JSON.parse(shown.text)
  for (const name of path) {
    if (!isMap(json) || !Object.hasOwn(json, name)) return undefined
    json = json[name]
  }
  return canonicalJson(json)
}

/** The writes of a run whose author applied them at once. */
function writesOf(moments: Moment[]): Array<Moment & { wrote: Transaction }> {
  return moments.filter((moment): moment is Moment & { wrote: Transaction } => moment.wrote !== null)
}

/** The world with each log replaced from its cut-off on. Contexts of a tail are raised to those before it. */
function withTails(
  { first, logs }: World,
  cutOffs: Record<string, number>,
  tails: Record<string, Transaction[]>
): World {
  const swapped = Object.entries(logs).map(([writer, log]): [string, Transaction[]] => {
    const kept = log.filter(({ seq }) => seq < (cutOffs[writer] ?? Infinity))
    for (const step of tails[writer] ?? []) kept.push(following(kept.at(-1), step))
    return [writer, kept]
  })
  return { first, logs: Object.fromEntries(swapped) }
}

function following(before: Transaction | undefined, step: Transaction): Transaction {
  const seq = before === undefined ? 0 : before.seq + before.length
  const context = { ...before?.context }
  for (const [writer, blocks] of Object.entries(step.context))
    context[writer] = Math.max(blocks, context[writer] ?? 0)
  return { ...step, seq, context }
}

/** The world with the log of a stranger who tells of a fork at 0 of each of the writers. */
function withStranger(world: World, writers: string[]): World {
  const told = writers.map((writer): Membership => ({ type: 'fork', writer, length: 0 }))
  // A log that begins so is held by everybody, and this one lets nobody in.
  const membership: Membership[] = [{ type: 'succeed', previous: 'ee'.repeat(32) }, ...told]
  const step = { seq: 0, length: 1, ms: 0, counter: 0, context: {}, membership, operations: [] }
  return { ...world, logs: { ...world.logs, ['ff'.repeat(32)]: [step] } }
}

/** The world once each device that holds it and may write has said the forks it has to say. */
function afterSaying(world: World): World {
  const sayers = sayersOf(oracle(world), '')
  return sayers.length === 0 ? world : afterSaying(sayers.reduce(withSaid, world))
}

/** Two worlds that differ in the log of one writer, once each device that may write in one of them has said its forks. */
function bothAfterSaying(one: World, two: World, writer: string): [World, World] {
  const sayers = [one, two].flatMap((world) => sayersOf(oracle(world), writer))
  return sayers.length === 0
    ? [one, two]
    : bothAfterSaying(sayers.reduce(withSaid, one), sayers.reduce(withSaid, two), writer)
}

type Said = [writer: string, records: Membership[]]

function sayersOf({ members, toSay }: OracleState, forked: string): Said[] {
  return members
    .filter(({ writer }) => writer !== forked)
    .map(({ writer }): Said => [writer, toSay(writer)])
    .filter(([, records]) => records.length > 0)
}

function withSaid({ first, logs }: World, [writer, membership]: Said): World {
  const log = logs[writer] ?? []
  const step = { seq: 0, length: 1, ms: 0, counter: 0, context: {}, membership, operations: [] }
  return { first, logs: { ...logs, [writer]: [...log, following(log.at(-1), step)] } }
}

/** The log at the beginning of the line of an honest writer. */
function rootOf(writer: string, world: World): string {
  const [record] = world.logs[writer]?.[0]?.membership ?? []
  return record?.type === 'succeed' ? rootOf(record.previous, world) : writer
}

/** All of a state but what is held of it without counting. */
function counting(state: OracleState) {
  const { waiting: _, quarantined: __, ...rest } = plain(state)
  return rest
}

const both = fc.oneof(honestWorld(), hostileWorld())

describe('every world', () => {
  test('is read the same in whatever order its logs and contexts are listed', () => {
    fc.assert(
      fc.property(both, (world) => {
        expect(plain(oracle(listedBackwards(world)))).toEqual(plain(oracle(world)))
      }),
      RUNS
    )
  })
  test('has each block applied, waiting or quarantined', () => {
    fc.assert(
      fc.property(both, (world) => {
        const { applied, waiting, quarantined } = oracle(world)
        for (const [writer, log] of Object.entries(world.logs)) {
          expect((applied[writer] ?? 0) + (waiting[writer] ?? 0) + (quarantined[writer] ?? 0)).toBe(
            blocks(log)
          )
        }
      }),
      RUNS
    )
  })
  test('applies exactly what membership, cut-offs and clamped contexts allow, where contexts are honest', () => {
    fc.assert(
      fc.property(honestWorld(), (world) => {
        const { applied, members, known } = oracle(world)
        const cutOff = (writer: string): number => {
          const member = members.find((other) => other.writer === writer)
          return member === undefined ? 0 : (member.cutOff ?? Infinity)
        }
        for (const [writer, log] of Object.entries(world.logs)) {
          for (const { seq, context } of log) {
            const others = known(writer, { ...context, [writer]: seq }).filter((other) => other !== writer)
            const allowed =
              seq < cutOff(writer) &&
              others.every((other) => Math.min(context[other] ?? 0, cutOff(other)) <= (applied[other] ?? 0))
            if (seq < (applied[writer] ?? 0)) expect(allowed).toBe(true)
            if (seq === (applied[writer] ?? 0)) expect(allowed).toBe(false)
          }
        }
      }),
      RUNS
    )
  })
  test('lists the history of what is applied in canonical order, without equals', () => {
    fc.assert(
      fc.property(both, (world) => {
        const { applied, history } = oracle(world)
        for (const [place, item] of history.entries()) {
          expect(item.seq).toBeLessThan(applied[item.writer] ?? 0)
          const before = history[place - 1]
          if (before !== undefined) expect(compareDots(before, item)).toBeLessThan(0)
        }
      }),
      RUNS
    )
  })
  test('has members in lines: each succeeds another member or nobody, never in a circle', () => {
    fc.assert(
      fc.property(both, ({ first, logs }) => {
        const { members } = oracle({ first, logs })
        const previousOf = new Map(members.map(({ writer, previous }) => [writer, previous]))
        for (const { writer, previous } of members) {
          const record = logs[writer]?.[0]?.membership[0]
          if (previous !== null) expect(record).toEqual({ type: 'succeed', previous })
          const line = new Set<string>()
          for (let at: string | null = writer; at !== null; at = previousOf.get(at) as string | null) {
            expect(previousOf.has(at)).toBe(true)
            expect(line.has(at)).toBe(false)
            line.add(at)
          }
        }
      }),
      RUNS
    )
  })
  test('has a reason for each member and each cut-off: somebody wrote it', () => {
    fc.assert(
      fc.property(both, ({ first, logs }) => {
        const records = Object.values(logs).flatMap((log) => log.flatMap(({ membership }) => membership))
        for (const { writer, cutOff, removed, previous } of oracle({ first, logs }).members) {
          const names = (type: string, length?: number): boolean =>
            records.some(
              (record) =>
                record.type === type &&
                'writer' in record &&
                record.writer === writer &&
                (length === undefined || ('length' in record && record.length === length))
            )
          expect(writer === first || previous !== null || names('add')).toBe(true)
          expect(removed && !names('remove')).toBe(false)
          if (removed) expect(cutOff).not.toBeNull()
          if (cutOff !== null)
            expect(names('fork', cutOff) || (removed && names('remove', cutOff))).toBe(true)
        }
      }),
      RUNS
    )
  })
  test('is the same without what lies past the cut-off of a fork', () => {
    fc.assert(
      fc.property(both, (world) => {
        const whole = oracle(world)
        const cut = oracle(withTails(world, whole.forks, {}))
        fc.pre(isDeepStrictEqual(cut.forks, whole.forks))
        expect(counting(cut)).toEqual(counting(whole))
      }),
      RUNS
    )
  })
  test('without forks hears a stranger tell of those that are not removed, and of no others', () => {
    fc.assert(
      fc.property(both, (world) => {
        const state = oracle(world)
        fc.pre(Object.keys(state.forks).length === 0)
        const removed = state.members.filter((member) => member.removed).map(({ writer }) => writer)
        expect(counting(oracle(withStranger(world, removed)))).toEqual(counting(state))
        const others = state.members.filter((member) => !member.removed).map(({ writer }) => writer)
        const expected = Object.fromEntries(others.map((writer) => [writer, 0]))
        expect(oracle(withStranger(world, others)).forks).toMatchObject(expected)
      }),
      RUNS
    )
  })
  test('cuts by every fork of a member that is not removed, whoever tells it', () => {
    fc.assert(
      fc.property(both, (world) => {
        const { forks, members } = oracle(world)
        for (const told of Object.values(world.logs).flatMap((log) =>
          log.flatMap(({ membership }) => membership)
        )) {
          if (told.type !== 'fork') continue
          const named = members.find(({ writer }) => writer === told.writer)
          if (named?.removed === false) expect(forks[told.writer]).toBeLessThanOrEqual(told.length)
        }
      }),
      RUNS
    )
  })
  test('cuts by every fork that one who is or was a member tells of another, neither of which goes on from any', () => {
    fc.assert(
      fc.property(both, (world) => {
        const { forks, members } = oracle(world)
        const goesOn = (writer: string): boolean => world.logs[writer]?.[0]?.membership[0]?.type === 'succeed'
        for (const { writer: author } of members) {
          if (goesOn(author)) continue
          for (const told of (world.logs[author] ?? []).flatMap(({ membership }) => membership)) {
            if (told.type === 'fork' && told.writer !== author && !goesOn(told.writer))
              expect(forks[told.writer]).toBeLessThanOrEqual(told.length)
          }
        }
      }),
      RUNS
    )
  })
  test('shows canonical values that come from remaining elements, and nothing without them', () => {
    fc.assert(
      fc.property(both, (world) => {
        const state = oracle(world)
        for (const key of KEYS) {
          const alive = state.remaining(key).filter(({ kind }) => kind !== 'tombstone')
          const shown = state.entries.get(key)
          expect(shown !== undefined).toBe(alive.length > 0)
          if (shown?.kind === 'document') expect(canonicalJson(JSON.parse(shown.text))).toBe(shown.text)
          for (const path of shownPaths(shown ?? null))
            expect(alive.some((element) => isAtOrBelow(element.path, path))).toBe(true)
        }
      }),
      RUNS
    )
  })
  test('reports conflicts at shown paths only, in order, none equal to what is shown or another', () => {
    fc.assert(
      fc.property(both, (world) => {
        const state = oracle(world)
        for (const key of KEYS) {
          const conflicts = state.conflicts(key)
          const paths = shownPaths(state.entries.get(key) ?? null)
          for (const [place, { path, value, deleted }] of conflicts.entries()) {
            expect(paths.some((shown) => samePath(shown, path))).toBe(true)
            expect(deleted).toBe(value === null)
            const text = value === null ? null : value.kind === 'opaque' ? `0x${value.hex}` : value.text
            expect(text).not.toBe(valueAt(state.entries.get(key), path))
            const before = conflicts[place - 1]
            if (before !== undefined) expect(comparePaths(before.path, path)).toBeLessThanOrEqual(0)
          }
          const labels = conflicts.map(({ path, value }) => JSON.stringify([path, value]))
          expect(new Set(labels).size).toBe(labels.length)
        }
      }),
      RUNS
    )
  })
  test('keeps the same elements when all its clocks are set to one time', () => {
    fc.assert(
      fc.property(both, (world) => {
        const stopped = Object.entries(world.logs).map(([writer, log]) => [
          writer,
          log.map((step) => ({ ...step, ms: 0, counter: 0 }))
        ])
        const labels = (state: OracleState): string[][] =>
          KEYS.map((key) =>
            state
              .remaining(key)
              .map(({ kind, path, value, dot }) =>
                JSON.stringify([kind, path, value, dot.writer, dot.seq, dot.index])
              )
              .sort()
          )
        expect(labels(oracle({ first: world.first, logs: Object.fromEntries(stopped) }))).toEqual(
          labels(oracle(world))
        )
      }),
      RUNS
    )
  })
  test('asks a device to say a fork once', () => {
    fc.assert(
      fc.property(both, (world) => {
        const said = oracle(afterSaying(world))
        for (const { writer } of said.members) expect(said.toSay(writer)).toEqual([])
      }),
      RUNS
    )
  })
  test('has no deletion among its conflicts when deletes win', () => {
    fc.assert(
      fc.property(both, (world) => {
        const state = oracle(world)
        fc.pre(state.deleteWins)
        for (const key of KEYS) expect(state.conflicts(key).filter(({ deleted }) => deleted)).toEqual([])
      }),
      RUNS
    )
  })
})

describe('an honest world', () => {
  test('is the same on all devices once all is delivered, however it was delivered', () => {
    fc.assert(
      fc.property(honestRun(), ({ world, held }) => {
        const expected = plain(oracle(world))
        for (const part of held) {
          const missing = Object.entries(world.logs).map(([writer, log]): [string, Transaction[]] => {
            const have = part.logs[writer] ?? []
            return [writer, [...have, ...log.slice(have.length)]]
          })
          expect(plain(oracle({ first: world.first, logs: Object.fromEntries(missing) }))).toEqual(expected)
        }
      }),
      RUNS
    )
  })
  test('knows no other forks once they were said again', () => {
    fc.assert(
      fc.property(honestWorld(), (world) => {
        expect(oracle(afterSaying(world)).forks).toEqual(oracle(world).forks)
      }),
      RUNS
    )
  })
  test('leaves nothing of a member waiting once all is delivered', () => {
    fc.assert(
      fc.property(honestWorld(), (world) => {
        const { members, waiting } = oracle(world)
        expect(members.filter(({ writer }) => waiting[writer] !== undefined)).toEqual([])
      }),
      RUNS
    )
  })
  test('shows a put of a whole value at once, whatever the clocks', () => {
    fc.assert(
      fc.property(honestRun(), ({ moments }) => {
        for (const { command, before, after, writer } of moments) {
          if (
            command.do !== 'write' ||
            !before.members.some((member) => member.writer === writer && member.cutOff === null)
          )
            continue
          for (const change of new Map(command.changes.map((one) => [one.key, one])).values()) {
            if (change.change === 'put') expect(after.entries.get(change.key)).toEqual(change.value)
            if (change.change === 'del') expect(after.entries.has(change.key)).toBe(false)
          }
        }
      }),
      RUNS
    )
  })
  test('has no conflict left at a path that was resolved, until someone else writes', () => {
    fc.assert(
      fc.property(honestRun(), ({ moments }) => {
        for (const { command, after, wrote } of moments) {
          if (command.do !== 'write' || wrote === null) continue
          for (const change of command.changes) {
            if (
              change.change !== 'resolve' ||
              command.changes.filter(({ key }) => key === change.key).length > 1
            )
              continue
            const operation = wrote.operations.find(({ key }) => key === change.key)
            if (operation === undefined) continue
            expect(valueAt(after.entries.get(change.key), operation.path)).toBe(
              change.value.kind === 'opaque' ? `0x${change.value.hex}` : change.value.text
            )
            expect(
              after.conflicts(change.key).filter(({ path }) => isAtOrBelow(path, operation.path))
            ).toEqual([])
          }
        }
      }),
      RUNS
    )
  })
  test('touches only the entries and fields that are written', () => {
    fc.assert(
      fc.property(honestRun(), ({ moments }) => {
        for (const { before, after, wrote } of writesOf(moments)) {
          if (wrote.membership.length > 0 || wrote.operations.some(({ seen }) => seen !== undefined)) continue
          for (const key of KEYS) {
            const written = wrote.operations
              .filter((operation) => operation.key === key)
              .map(({ path }) => path)
            for (const path of shownPaths(before.entries.get(key) ?? null)) {
              if (written.some((other) => isAtOrBelow(path, other) || isAtOrBelow(other, path))) continue
              expect(valueAt(after.entries.get(key), path)).toBe(valueAt(before.entries.get(key), path))
            }
          }
        }
      }),
      RUNS
    )
  })
  test('writes operations of which none is at or above another of its key', () => {
    fc.assert(
      fc.property(honestRun(), ({ moments }) => {
        for (const { wrote } of writesOf(moments)) {
          for (const [place, a] of wrote.operations.entries()) {
            const others = wrote.operations.filter((b, other) => other !== place && b.key === a.key)
            expect(others.some((b) => isAtOrBelow(a.path, b.path))).toBe(false)
          }
        }
      }),
      RUNS
    )
  })
  test('a device that goes on in a new log is a member there at once, in the line of the one before', () => {
    fc.assert(
      fc.property(honestRun(), ({ moments }) => {
        for (const { command, before, after, writer, wrote } of writesOf(moments)) {
          if (command.do !== 'epoch') continue
          const [record] = wrote.membership
          const previous = record?.type === 'succeed' ? record.previous : null
          const old = before.members.find((member) => member.writer === previous)
          expect(after.members.find((member) => member.writer === writer)).toMatchObject({
            cutOff: null,
            previous,
            name: old?.name
          })
        }
      }),
      RUNS
    )
  })
  test('a context names no log that it does not know, where nothing is taken back', () => {
    fc.assert(
      fc.property(honestWorld({ removals: false }), (world) => {
        const { known } = oracle(world)
        for (const [writer, log] of Object.entries(world.logs)) {
          for (const { seq, context } of log) {
            const writers = known(writer, { ...context, [writer]: seq })
            expect(Object.keys(context).filter((other) => !writers.includes(other))).toEqual([])
          }
        }
      }),
      RUNS
    )
  })
  test('an own transaction never waits on the device that wrote it', () => {
    fc.assert(
      fc.property(honestRun(), ({ world, moments }) => {
        const goesOn = (writer: string): boolean => world.logs[writer]?.[0]?.membership[0]?.type === 'succeed'
        for (const { after, writer, held } of writesOf(moments)) {
          // One that is added before its log arrives is waited for, where others have seen it.
          if (after.members.some((member) => goesOn(member.writer) && !held[member.writer])) continue
          expect(
            after.members.some((member) => member.writer === writer) && after.waiting[writer] !== undefined
          ).toBe(false)
        }
      }),
      RUNS
    )
  })
  test('without removals only ever applies more when more blocks arrive, and applies whole pasts', () => {
    fc.assert(
      fc.property(partOf(honestWorld({ removals: false })), ({ world, part }) => {
        const [some, all] = [oracle(part), oracle(world)]
        for (const [writer, count] of Object.entries(some.applied))
          expect(all.applied[writer] ?? 0).toBeGreaterThanOrEqual(count)
        for (const [writer, log] of Object.entries(part.logs)) {
          for (const { seq, context } of log.filter((step) => step.seq < (some.applied[writer] ?? 0))) {
            expect(seq).toBeLessThan(some.applied[writer] ?? 0)
            const known = some.known(writer, { ...context, [writer]: seq })
            for (const [other, seen] of Object.entries(context)) {
              // A log that has not joined yet is read as 0, and so is one whose `admit` is not held yet.
              const isMember = some.members.some((member) => member.writer === other)
              if (other === writer || !isMember || !known.includes(other)) continue
              expect(some.applied[other] ?? 0).toBeGreaterThanOrEqual(seen)
            }
          }
        }
      }),
      RUNS
    )
  })
  test('does not let a device past its cut-off be heard, save for the chain it had begun', () => {
    fc.assert(
      fc.property(honestWorld(), (world) => {
        const { members, applied, history } = oracle(world)
        for (const { writer, cutOff } of members) {
          if (cutOff === null) continue
          expect(history.filter((item) => item.writer === writer && item.seq >= cutOff)).toEqual([])
          const last = world.logs[writer]?.find(({ seq, length }) => seq + length === applied[writer])
          if (last !== undefined) expect(last.seq).toBeLessThan(cutOff)
        }
      }),
      RUNS
    )
  })
})

describe('two branches of a forked log', () => {
  /** Honest worlds with another branch of one of their logs; a fork in a branch that does not count may be heard only there. */
  const branches = fc
    .record({ world: honestWorld(), other: hostileWorld(), pick: fc.nat() })
    .map(({ world, other, pick }) => {
      const forked = Object.keys(oracle(world).forks).sort()
      const writer = forked[pick % Math.max(1, forked.length)]
      const tails = Object.values(other.logs).flat()
      const tail = tails.map((step): Transaction => ({
        ...step,
        membership: step.membership.filter(({ type }) => type !== 'fork' && type !== 'succeed')
      }))
      return { world, writer, tail }
    })

  test('give one state when the fork counts', () => {
    let swapped = 0
    let counted = 0
    fc.assert(
      fc.property(branches, ({ world, writer, tail }) => {
        if (writer === undefined) return
        const one = oracle(world)
        const changed = withTails(world, { [writer]: one.forks[writer] as number }, { [writer]: tail })
        const two = oracle(changed)
        swapped++
        if (!isDeepStrictEqual(one.forks, two.forks)) return
        counted++
        expect(counting(two)).toEqual(counting(one))
      }),
      RUNS
    )
    expect(counted).toBeGreaterThan(swapped / 4)
  })
  test('know the same forks once every device that may write has said them, and are one state, unless a forked writer is removed in one', () => {
    let known = 0
    let alike = 0
    fc.assert(
      fc.property(branches, ({ world, writer, tail }) => {
        if (writer === undefined) return
        const length = oracle(world).forks[writer] as number
        const changed = withTails(world, { [writer]: length }, { [writer]: tail })
        const [one, two] = bothAfterSaying(world, changed, writer).map(oracle) as [OracleState, OracleState]
        const mayWrite = ({ members }: OracleState): string[] =>
          members.filter(({ cutOff }) => cutOff === null).map((member) => member.writer)
        const isRemoved = ({ members }: OracleState, forked: string): boolean =>
          members.some((member) => member.writer === forked && member.removed)
        for (const [from, to] of [
          [one, two],
          [two, one]
        ] as const) {
          for (const { writer: forked } of from.members.filter((member) => member.writer in from.forks)) {
            // Where it is removed, members of other lines are heard.
            const heard = mayWrite(from).filter(
              (sayer) =>
                sayer !== writer &&
                (!isRemoved(to, forked) ||
                  (rootOf(sayer, world) !== rootOf(forked, world) &&
                    to.members.some((member) => member.writer === sayer)))
            )
            if (heard.length === 0) continue
            known++
            expect(to.forks[forked]).toBeLessThanOrEqual(from.forks[forked] as number)
          }
        }
        const forked = [one, two].flatMap(({ forks }) => Object.keys(forks))
        if (forked.some((name) => isRemoved(one, name) || isRemoved(two, name))) return
        if (mayWrite(one).length === 0 || mayWrite(two).length === 0) return
        alike++
        expect(counting(two)).toEqual(counting(one))
      }),
      RUNS
    )
    expect(known).toBeGreaterThan(0)
    expect(alike).toBeGreaterThan(0)
  })
})

describe('two devices that share an entry and then write apart', () => {
  /** One log with the genesis and a value, and two that have seen it. */
  function apart(
    times: number[],
    base: Value,
    left: Operation[],
    right: Operation[],
    deleteWins = false
  ): World {
    const [a, b, c] = WRITERS as [string, string, string]
    const membership: Membership[] = [
      { type: 'genesis', deleteWins, ownerKey: null, name: 'a' },
      { type: 'add', writer: b, name: 'b' },
      { type: 'add', writer: c, name: 'c' }
    ]
    const step = (
      seq: number,
      context: Record<string, number>,
      operations: Operation[],
      place: number
    ): Transaction => ({
      seq,
      length: 1,
      ms: times[place] ?? 0,
      counter: 0,
      context,
      membership: seq === 0 && place === 0 ? membership : [],
      operations
    })
    return {
      first: a,
      logs: {
        [a]: [step(0, {}, [{ type: 'assign', key: KEY, path: [], value: base }], 0)],
        [b]: [step(0, { [a]: 1 }, left, 1)],
        [c]: [step(0, { [a]: 1 }, right, 2)]
      }
    }
  }
  const KEY = '6b'
  const times = fc.array(fc.constantFrom(-1, 0, 1, 10 ** 12), { minLength: 3, maxLength: 3 })
  const put = (from: Value, to: Value): Operation[] => putOperations(KEY, from, to, () => true)

  test('both keep the fields that only one of them wrote or dropped', () => {
    const fields = fc.dictionary(
      fc.constantFrom(...NAMES.filter((name) => name !== '__proto__')),
      fc.nat(3),
      { noNullPrototype: true }
    )
    fc.assert(
      fc.property(times, fields, fields, fields, (at, base, one, two) => {
        const names = new Set([base, one, two].flatMap(Object.keys))
        const expected: Record<string, number> = {}
        const [left, right]: Array<Record<string, number>> = [{ ...base }, { ...base }] as [
          Record<string, number>,
          Record<string, number>
        ]
        // The one writes or drops the names at even places, the other those at odd places.
        for (const [place, name] of [...names].sort().entries()) {
          const [side, source] = place % 2 === 0 ? [left, one] : [right, two]
          if (side === undefined) continue
          if (source[name] === undefined) delete side[name]
          else side[name] = source[name]
          if (source[name] !== undefined) expected[name] = source[name]
        }
        const text = (json: unknown): Value => ({ kind: 'document', text: canonicalJson(json) })
        const state = oracle(apart(at, text(base), put(text(base), text(left)), put(text(base), text(right))))
        expect(state.entries.get(KEY)).toEqual(text(expected))
        expect(state.conflicts(KEY)).toEqual([])
      }),
      RUNS
    )
  })
  test('no conflict when both put the same', () => {
    fc.assert(
      fc.property(times, value, value, (at, base, next) => {
        const state = oracle(apart(at, base, put(base, next), put(base, next)))
        expect(state.entries.get(KEY)).toEqual(next)
        expect(state.conflicts(KEY)).toEqual([])
      }),
      RUNS
    )
  })
  test('a delete against an edit: the edit lives and the delete is reported, or the delete wins', () => {
    fc.assert(
      fc.property(times, map, value, fc.boolean(), (at, base, next, deleteWins) => {
        fc.pre(JSON.stringify(base) !== JSON.stringify(next))
        const edit = put(base, next)
        fc.pre(edit.some(({ type }) => type === 'assign'))
        const state = oracle(apart(at, base, edit, [{ type: 'unset', key: KEY, path: [] }], deleteWins))
        expect(state.entries.has(KEY)).toBe(!deleteWins)
        expect(state.conflicts(KEY).filter(({ path, deleted }) => deleted && path.length === 0)).toHaveLength(
          deleteWins ? 0 : 1
        )
      }),
      RUNS
    )
  })
  test('two values at one path: one is shown, the other is the conflict', () => {
    const leaf = field.filter(
      ({ kind, ...rest }) => kind === 'document' && 'text' in rest && !rest.text.startsWith('{')
    )
    fc.assert(
      fc.property(times, leaf, leaf, (at, left, right) => {
        const assign = (value: Value): Operation[] => [{ type: 'assign', key: KEY, path: ['f'], value }]
        const state = oracle(apart(at, { kind: 'document', text: '{}' }, assign(left), assign(right)))
        const losers = state.conflicts(KEY).map(({ value }) => value)
        const isEqual = JSON.stringify(left) === JSON.stringify(right)
        expect(losers).toHaveLength(isEqual ? 0 : 1)
      }),
      RUNS
    )
  })
})

describe('the generators', () => {
  /** How often the states have what the properties are about. */
  function tally(states: OracleState[]): Record<string, number> {
    const seen = {
      conflicts: 0,
      deletions: 0,
      deep: 0,
      waiting: 0,
      quarantined: 0,
      operations: 0,
      absent: 0,
      empty: 0,
      successors: 0,
      chains: 0,
      added: 0,
      forked: 0
    }
    for (const state of states) {
      const conflicts = KEYS.flatMap(state.conflicts)
      seen.conflicts += conflicts.length
      seen.deletions += conflicts.filter(({ deleted }) => deleted).length
      seen.deep += conflicts.filter(({ path }) => path.length > 1).length
      seen.waiting += Object.keys(state.waiting).length
      seen.quarantined += Object.keys(state.quarantined).length
      const lines = new Map(state.members.map(({ writer, previous }) => [writer, previous]))
      seen.successors += state.members.filter(({ previous }) => previous !== null).length
      seen.chains += state.members.filter(
        ({ previous }) => previous !== null && lines.get(previous) !== null
      ).length
      seen.forked += state.members.filter(({ cutOff, removed }) => cutOff !== null && !removed).length
      seen.added += state.members.filter(
        ({ writer, previous }) => previous !== null && state.known(previous, state.applied).includes(writer)
      ).length
      seen.operations += state.history.length
      seen.absent += KEYS.filter(
        (key) => !state.entries.has(key) && state.history.some((item) => item.key === key)
      ).length
      seen.empty += [...state.entries.values()].filter(
        (shown) => shown.kind === 'document' && shown.text === '{}'
      ).length
    }
    return seen
  }
  test('make conflicts, deletions, waiting and quarantine common enough', () => {
    const runs = fc.sample(honestRun(), { numRuns: 200, seed: 1 })
    const honest = tally(
      runs.flatMap(({ world, moments }) => [oracle(world), ...moments.map(({ after }) => after)])
    )
    const hostile = tally(fc.sample(hostileWorld(), { numRuns: 1000, seed: 1 }).map(oracle))
    for (const [what, count] of Object.entries(honest)) expect(count, `honest ${what}`).toBeGreaterThan(10)
    for (const [what, count] of Object.entries(hostile)) expect(count, `hostile ${what}`).toBeGreaterThan(10)
  })
  test('a world prints as one line per transaction', () => {
    const [world] = fc.sample(hostileWorld(), { numRuns: 1, seed: 3 }) as [World]
    expect(fc.stringify(world)).toBe(describeWorld(world))
  })
  test('a simulation is a function of its scenario', () => {
    fc.assert(
      fc.property(clock, (one) => {
        const scenario = {
          deleteWins: false,
          owner: null,
          clocks: [one, one],
          joined: 2,
          commands: [
            {
              do: 'write' as const,
              device: 1,
              changes: [{ change: 'del' as const, key: '6b' }],
              length: 1,
              passedMs: 0
            },
            { do: 'sync' as const, from: 1, to: 0 }
          ]
        }
        expect(simulate(scenario).world).toEqual(simulate(scenario).world)
      }),
      { numRuns: 20 }
    )
  })
})
