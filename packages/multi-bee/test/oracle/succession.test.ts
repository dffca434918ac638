import { describe, expect, test } from 'vitest'
import {
  A,
  add,
  admit,
  assign,
  B,
  C,
  change,
  D,
  fork,
  genesis,
  remove,
  shown,
  succeed,
  world,
  write,
  X,
  Y,
  Z
} from './build.ts'
import { oracle } from './oracle.ts'
import type { OracleState } from './types.ts'

type State = OracleState

const membersOf = (state: State): string[] => state.members.map(({ writer }) => writer)

/** Members with their cut-offs. */
const cutOffs = (state: State): Array<[string, number | null]> =>
  state.members.map(({ writer, cutOff }) => [writer, cutOff])

const memberOf = (state: State, writer: string) => state.members.find((member) => member.writer === writer)

const previousOf = (state: State, writer: string) => memberOf(state, writer)?.previous

describe('succeed', () => {
  test('of a member makes its author the newest member, under the same name', () => {
    const state = oracle(
      world({
        [A]: [genesis([B, C])],
        [X]: [{ ...change({ [A]: 1 }, succeed(B)), operations: [assign([], 'x')] }]
      })
    )
    expect(state.members.at(-1)).toEqual({
      writer: X,
      name: B.slice(0, 2),
      cutOff: null,
      removed: false,
      previous: B
    })
    expect(membersOf(state)).toEqual([A, B, C, X])
    expect(shown(state)).toBe('x')
    expect(state.waiting).toEqual({})
  })
  test('of a stranger waits until that one is a member', () => {
    const log = { [X]: [change({ [A]: 1 }, succeed(D))] }
    const before = oracle(world({ [A]: [genesis([])], ...log }))
    expect([membersOf(before), before.waiting]).toEqual([[A], { [X]: 1 }])
    const after = oracle(world({ [A]: [genesis([]), change({}, add(D))], ...log }))
    expect([membersOf(after), after.waiting]).toEqual([[A, D, X], {}])
  })
  test('of a stranger, by a member, is walked and puts it into no line, also when that one is added later', () => {
    const log = { [X]: [change({ [A]: 1 }, succeed(D), add(C))] }
    const state = oracle(world({ [A]: [genesis([X]), change({ [X]: 1 }, add(D))], ...log }))
    expect(membersOf(state)).toEqual([A, X, C, D])
    expect(previousOf(state, X)).toBeNull()
  })
  test('of one that was removed does nothing', () => {
    const state = oracle(
      world({ [A]: [genesis([B]), change({}, remove(B, 0))], [X]: [change({ [A]: 2 }, succeed(B))] })
    )
    expect(cutOffs(state)).toEqual([
      [A, null],
      [B, 0]
    ])
    expect(state.waiting).toEqual({ [X]: 1 })
  })
  test('of one that was removed does not put a member into its line', () => {
    const state = oracle(
      world({ [A]: [genesis([B, X]), change({}, remove(B, 0))], [X]: [change({ [A]: 2 }, succeed(B))] })
    )
    expect([membersOf(state), previousOf(state, X)]).toEqual([[A, B, X], null])
  })
  test('before the first transaction of the first log was walked does not count', () => {
    const logs = (first: ReturnType<typeof change>) => ({
      [A]: [first, change({}, add(C))],
      [X]: [change({}, succeed(A))]
    })
    expect(membersOf(oracle(world({ ...logs(genesis([])), [A]: [] })))).toEqual([A])
    expect(membersOf(oracle(world(logs(genesis([B])))))).toEqual([A, B, C, X])
    expect(membersOf(oracle(world(logs(write({}, [])))))).toEqual([A, C])
  })
  test('of one that a remove named while it was a stranger does not count', () => {
    const state = oracle(
      world({
        [A]: [genesis([]), change({}, remove(B, 0)), change({}, add(B))],
        [X]: [change({ [A]: 3 }, succeed(B))]
      })
    )
    expect(membersOf(state)).toEqual([A, B])
  })
  test('concurrent with the removal of a junior by a senior does not count', () => {
    const state = oracle(
      world({ [A]: [genesis([B]), change({}, remove(B, 0))], [X]: [change({ [A]: 1 }, succeed(B))] })
    )
    expect(membersOf(state)).toEqual([A, B])
    expect(state.waiting).toEqual({ [X]: 1 })
  })
  test('concurrent with the removal of a senior by a junior counts', () => {
    const state = oracle(
      world({
        [A]: [genesis([B, C])],
        [C]: [change({ [A]: 1 }, remove(B, 0))],
        [X]: [change({ [A]: 1 }, succeed(B), remove(C, 0))]
      })
    )
    expect(cutOffs(state)).toEqual([
      [A, null],
      [B, null],
      [C, 0],
      [X, null]
    ])
  })
  test('counts with the removal that its own transaction carries', () => {
    const state = oracle(world({ [A]: [genesis([B])], [X]: [change({ [A]: 1 }, succeed(B), remove(B, 0))] }))
    expect(cutOffs(state)).toEqual([
      [A, null],
      [B, 0],
      [X, null]
    ])
  })
  test('of one that forked counts, and what is below the cut-off still does', () => {
    const state = oracle(
      world({
        [A]: [genesis([B]), change({}, fork(B, 1))],
        [B]: [write({ [A]: 1 }, [assign(['b'], 1)]), write({}, [assign(['c'], 1)])],
        [X]: [change({ [A]: 2, [B]: 2 }, succeed(B)), write({}, [assign(['x'], 1)])]
      })
    )
    expect(shown(state)).toEqual({ b: 1, x: 1 })
    expect(memberOf(state, B)).toMatchObject({ cutOff: 1, removed: false })
    expect(previousOf(state, X)).toBe(B)
    expect([state.waiting, state.quarantined]).toEqual([{}, { [B]: 1 }])
  })
  test('of one that forked and was removed does nothing', () => {
    for (const records of [
      [fork(B, 1), remove(B, 2)],
      [remove(B, 2), fork(B, 1)]
    ]) {
      const state = oracle(
        world({ [A]: [genesis([B]), change({}, ...records)], [X]: [change({ [A]: 2 }, succeed(B))] })
      )
      expect(membersOf(state)).toEqual([A, B])
      expect(memberOf(state, B)).toMatchObject({ cutOff: 1, removed: true })
    }
  })
  test('may follow succeed, each once the one before is walked', () => {
    const logs = {
      [A]: [genesis([B])],
      [X]: [change({ [A]: 1 }, succeed(B))],
      [Y]: [change({ [A]: 1 }, succeed(X), add(X))],
      [Z]: [change({ [A]: 1 }, succeed(Y), add(Y))]
    }
    const state = oracle(world(logs))
    expect(state.members.map(({ writer, previous }) => [writer, previous])).toEqual([
      [A, null],
      [B, null],
      [X, B],
      [Y, X],
      [Z, Y]
    ])
    const { [X]: _, ...without } = logs
    expect(membersOf(oracle(world(without)))).toEqual([A, B])
  })
  test('of the same one by two keeps both', () => {
    const state = oracle(
      world({
        [A]: [genesis([B])],
        [Y]: [change({ [A]: 1 }, succeed(B))],
        [X]: [change({ [A]: 1 }, succeed(B))]
      })
    )
    expect(membersOf(state)).toEqual([A, B, X, Y])
    expect([previousOf(state, X), previousOf(state, Y)]).toEqual([B, B])
  })
  test('in a circle: the one that would close it does nothing', () => {
    const state = oracle(
      world({
        [A]: [genesis([X, Y, Z])],
        [X]: [change({ [A]: 1 }, succeed(Y))],
        [Y]: [change({ [A]: 1 }, succeed(Z))],
        [Z]: [change({ [A]: 1 }, succeed(X), add(C))]
      })
    )
    expect(state.members.map(({ writer, previous }) => [writer, previous])).toEqual([
      [A, null],
      [X, Y],
      [Y, Z],
      [Z, null],
      [C, null]
    ])
  })
  test('of itself does nothing', () => {
    const log = { [X]: [change({ [A]: 1 }, succeed(X))] }
    expect(membersOf(oracle(world({ [A]: [genesis([])], ...log })))).toEqual([A])
    const state = oracle(world({ [A]: [genesis([X])], ...log }))
    expect(previousOf(state, X)).toBeNull()
    expect(state.applied).toEqual({ [A]: 1, [X]: 1 })
  })
  test('by a member that others succeed already takes them along', () => {
    const state = oracle(
      world({
        [A]: [genesis([C, B, X]), change({}, add(Y)), change({ [Y]: 1 }, add(Z))],
        [B]: [change({ [A]: 3, [X]: 1 }, remove(Y, 1))],
        [X]: [change({ [A]: 3 }, succeed(C))],
        [Y]: [change({ [A]: 1 }, succeed(X)), change({ [A]: 3, [X]: 1 }, remove(B, 0))]
      })
    )
    expect([previousOf(state, X), previousOf(state, Y)]).toEqual([C, X])
    // Y is as senior as C now.
    expect([memberOf(state, B)?.cutOff, memberOf(state, Y)?.cutOff]).toEqual([0, null])
  })
  test('stays when the one it succeeds is removed later', () => {
    const state = oracle(
      world({
        [A]: [genesis([B]), change({ [X]: 1 }, add(X)), change({}, remove(B, 0))],
        [X]: [change({ [A]: 1 }, succeed(B)), write({}, [assign([], 'x')])]
      })
    )
    expect(shown(state)).toBe('x')
  })
  test('waits for what its author had seen, as anything does', () => {
    const logs = { [A]: [genesis([B, C])], [X]: [change({ [A]: 1, [C]: 1 }, succeed(B))] }
    expect(membersOf(oracle(world(logs)))).toEqual([A, B, C])
    expect(membersOf(oracle(world({ ...logs, [C]: [write({ [A]: 1 }, [])] })))).toEqual([A, B, C, X])
  })
  test('anywhere but at the beginning of a log is not of a log that could be read', () => {
    const elsewhere = [change({}, add(C), succeed(B))]
    expect(() => oracle(world({ [A]: [genesis([B])], [X]: elsewhere }))).toThrow('a succeed inside')
    expect(() =>
      oracle(world({ [A]: [genesis([B])], [X]: [write({}, []), change({}, succeed(B))] }))
    ).toThrow('a succeed inside')
  })
})

describe('an add of a successor', () => {
  test('before the succeed keeps its place and name, and the succeed puts it into the line', () => {
    const state = oracle(
      world({
        [A]: [genesis([B, C]), change({}, add(X, 'x')), change({ [C]: 1 }, add(D))],
        [C]: [change({ [A]: 1 }, add(Y))],
        [X]: [change({ [A]: 2 }, succeed(C))]
      })
    )
    expect(membersOf(state)).toEqual([A, B, C, X, Y, D])
    expect(memberOf(state, X)).toMatchObject({ name: 'x', previous: C })
  })
  test('after it only admits it', () => {
    const state = oracle(
      world({
        [A]: [genesis([B, C])],
        [C]: [change({ [A]: 1 }, add(X, 'x'))],
        [X]: [change({ [A]: 1 }, succeed(B))]
      })
    )
    expect(memberOf(state, X)).toMatchObject({ name: B.slice(0, 2), previous: B })
  })
  test('before its log arrives makes wait what had named that log already, and what has seen this', () => {
    const state = (...last: Array<ReturnType<typeof change>>) => {
      const logs = { [C]: [change({ [A]: 1 }, admit(X)), write({ [X]: 1 }, [assign([], 'c')])] }
      return (held: Record<string, typeof last>) =>
        oracle(world({ [A]: [genesis([B, C]), ...last], ...logs, ...held }))
    }
    const without = state()({})
    expect([shown(without), without.waiting]).toEqual(['c', {}])
    const added = state(change({ [C]: 2 }, add(X)))
    expect([shown(added({})), added({}).waiting]).toEqual([undefined, { [A]: 1, [C]: 1 }])
    const arrived = added({ [X]: [change({ [A]: 1 }, succeed(B))] })
    expect([shown(arrived), arrived.waiting]).toEqual(['c', {}])
  })
  test('makes it a member in a line of its own when the one it succeeds is removed at the same time', () => {
    const state = oracle(
      world({
        [A]: [genesis([B, C]), change({}, remove(C, 0))],
        [B]: [change({ [A]: 1 }, add(X))],
        [X]: [change({ [A]: 1 }, succeed(C))]
      })
    )
    expect(state.members.at(-1)).toMatchObject({ writer: X, cutOff: null, previous: null })
  })
})

describe('an admit', () => {
  test('of a succession does not undo a removal at the same time', () => {
    const admits = (by: string) => ({
      [A]: [genesis([D, B, C])],
      [B]: [change({ [A]: 1 }, remove(C, 0))],
      [by]: [change({ [A]: 1, [X]: 1 }, admit(X)), write({}, [assign([], by)])],
      [X]: [{ ...change({ [A]: 1 }, succeed(C)), operations: [assign(['x'], 1)] }]
    })
    const state = oracle(world(admits(D)))
    expect(cutOffs(state)).toEqual([
      [A, null],
      [D, null],
      [B, null],
      [C, 0]
    ])
    // Nobody waits for the log that never joined.
    expect([shown(state), state.waiting]).toEqual([D, { [X]: 1 }])
  })
  test('makes nobody a member, before and after', () => {
    const state = oracle(world({ [A]: [genesis([B]), change({}, admit(X), admit(B))] }))
    expect(membersOf(state)).toEqual([A, B])
  })
  test('by a senior is walked before the succeed that it answers, and gives no name', () => {
    const state = oracle(
      world({
        [A]: [genesis([B]), change({ [X]: 1 }, admit(X))],
        [X]: [change({ [A]: 1 }, succeed(B))]
      })
    )
    expect(memberOf(state, X)).toMatchObject({ name: B.slice(0, 2), previous: B })
    expect(state.known(A, { [A]: 2 })).toContain(X)
    expect(state.known(A, { [A]: 1 })).not.toContain(X)
  })
  test('of one that is added only later lets a context name it', () => {
    const logs = (seen: number) => ({
      [A]: [genesis([B]), change({}, admit(C))],
      [B]: [change({ [A]: 1 }, add(C))],
      [C]: [{ ...change({ [A]: 1, [B]: 1 }, add(D)), operations: [assign([], 'c')] }],
      [X]: [change({ [A]: seen, [C]: 1 }, succeed(A)), write({}, [assign([], 'x')], { ms: 2000 })]
    })
    expect(oracle(world(logs(2))).conflicts('6b')).toEqual([])
    expect(oracle(world(logs(1))).conflicts('6b')).toHaveLength(1)
  })
  test('is what lets a context name it: without one it is read as 0', () => {
    const logs = {
      [A]: [genesis([B, C])],
      [X]: [{ ...change({ [A]: 1 }, succeed(B)), operations: [assign([], 'x')] }]
    }
    const later = { ms: 2000 }
    const blind = oracle(world({ ...logs, [C]: [write({ [A]: 1, [X]: 1 }, [assign([], 'c')], later)] }))
    expect(blind.conflicts('6b').map(({ writer }) => writer)).toEqual([X])
    const endorsed = [change({ [A]: 1 }, admit(X)), write({ [X]: 1 }, [assign([], 'c')], later)]
    const seeing = oracle(world({ ...logs, [C]: endorsed }))
    expect(seeing.conflicts('6b')).toEqual([])
    // Nobody waits for it either, unless the admit was seen.
    const claim = [write({ [A]: 1, [X]: 9 }, [])]
    expect(oracle(world({ ...logs, [C]: claim })).waiting).toEqual({})
    expect(oracle(world({ ...logs, [C]: [change({ [A]: 1 }, admit(X)), ...claim] })).waiting).toEqual({
      [C]: 1
    })
  })
  test('is needed in its own next log too', () => {
    const logs = {
      [A]: [genesis([B])],
      [X]: [{ ...change({ [A]: 1 }, succeed(B)), operations: [assign([], 'x')] }]
    }
    const next = (...first: Array<ReturnType<typeof admit>>) => [
      change({ [A]: 1, [X]: 1 }, succeed(X), ...first),
      write({}, [assign([], 'y')], { ms: 2000 })
    ]
    expect(oracle(world({ ...logs, [Y]: next() })).conflicts('6b')).toHaveLength(1)
    expect(oracle(world({ ...logs, [Y]: next(admit(X)) })).conflicts('6b')).toEqual([])
  })
})

describe('rank', () => {
  test('a line is as old as the one that succeeds nobody', () => {
    const state = oracle(
      world({
        [A]: [genesis([B, C])],
        [X]: [change({ [A]: 1 }, succeed(B)), change({}, remove(C, 0))],
        [C]: [change({ [A]: 1 }, add(X)), change({ [X]: 1 }, remove(X, 1))]
      })
    )
    expect(cutOffs(state)).toEqual([
      [A, null],
      [B, null],
      [C, 0],
      [X, null]
    ])
  })
  test('a successor that joined before the one it succeeds goes with that one', () => {
    const state = oracle(
      world({
        [A]: [genesis([X, C, B])],
        [X]: [change({ [A]: 1 }, succeed(B))],
        [B]: [change({ [A]: 1 }, remove(C, 0))],
        [C]: [change({ [A]: 1 }, remove(B, 0))]
      })
    )
    expect(cutOffs(state)).toEqual([
      [A, null],
      [X, null],
      [C, null],
      [B, 0]
    ])
  })
  test('inside a line the order of joining counts', () => {
    const state = oracle(
      world({
        [A]: [genesis([B])],
        [B]: [change({ [A]: 1 }, remove(X, 1))],
        [X]: [change({ [A]: 1 }, succeed(B)), change({}, remove(B, 0))]
      })
    )
    // B's removal is of a stranger still, goes before the succeed, and cuts off X's own.
    expect(cutOffs(state)).toEqual([
      [A, null],
      [B, null],
      [X, 1]
    ])
  })
  test('the line that holds the owner key goes first, whoever of it writes', () => {
    const logs = (ownerKey: string) => ({
      [A]: [genesis([B, C], { ownerKey }), change({}, remove(C, 0))],
      [X]: [change({ [A]: 1 }, succeed(C)), change({}, remove(A, 1))]
    })
    expect(cutOffs(oracle(world(logs(C))))).toEqual([
      [A, 1],
      [B, null],
      [C, null],
      [X, null]
    ])
    expect(cutOffs(oracle(world(logs(B))))).toEqual([
      [A, null],
      [B, null],
      [C, 0]
    ])
    // The owner key may be that of a later log of the line.
    const later = { [A]: [genesis([B, C, X], { ownerKey: X }), change({}, remove(C, 0))] }
    const line = { [X]: [change({ [A]: 1 }, succeed(C))], [C]: [change({ [A]: 1 }, remove(A, 1))] }
    expect(cutOffs(oracle(world({ ...later, ...line })))).toEqual([
      [A, 1],
      [B, null],
      [C, null],
      [X, null]
    ])
  })
  test('an owner key that is no member yet makes no line the first', () => {
    const state = oracle(
      world({
        [A]: [genesis([B, C], { ownerKey: X })],
        [B]: [change({ [A]: 1 }, remove(C, 0))],
        [X]: [change({ [A]: 1 }, succeed(C))]
      })
    )
    expect(membersOf(state)).toEqual([A, B, C])
  })
  test('of several that are no members yet the least key goes first', () => {
    const state = oracle(
      world({
        [A]: [genesis([B])],
        [Y]: [change({ [A]: 1 }, succeed(B), remove(X, 0))],
        [X]: [change({ [A]: 1 }, succeed(B), remove(Y, 0))]
      })
    )
    // X joins and removes a stranger, which then never joins.
    expect(cutOffs(state)).toEqual([
      [A, null],
      [B, null],
      [X, null]
    ])
  })
  test('one that is no member yet goes before a junior line, after the members of its own', () => {
    const state = oracle(
      world({
        [A]: [genesis([B, C])],
        [B]: [change({ [A]: 1 }, add(D))],
        [C]: [change({ [A]: 1 }, add(Y))],
        [X]: [change({ [A]: 1 }, succeed(B))]
      })
    )
    expect(membersOf(state)).toEqual([A, B, C, D, X, Y])
  })
})

describe('fork', () => {
  const log = [write({ [A]: 1 }, []), write({}, []), write({}, [])]

  test('cuts a member without removing it', () => {
    const state = oracle(world({ [A]: [genesis([B]), change({}, fork(B, 2))], [B]: log }))
    expect(memberOf(state, B)).toMatchObject({ cutOff: 2, removed: false })
    expect([state.applied, state.quarantined]).toEqual([{ [A]: 2, [B]: 2 }, { [B]: 1 }])
  })
  test('and remove of one writer: the lowest cut-off wins, in both orders', () => {
    for (const [first, second] of [
      [fork(B, 1), remove(B, 2)],
      [remove(B, 2), fork(B, 1)],
      [fork(B, 2), remove(B, 1)],
      [remove(B, 1), fork(B, 2)]
    ] as const) {
      const state = oracle(world({ [A]: [genesis([B]), change({}, first), change({}, second)], [B]: log }))
      expect(memberOf(state, B)).toMatchObject({ cutOff: 1, removed: true })
    }
  })
  test('of a stranger makes nobody a member, and counts when it joins later', () => {
    const logs = { [A]: [genesis([]), change({}, fork(B, 2)), change({}, add(B))], [B]: log }
    const state = oracle(world(logs))
    expect(memberOf(state, B)).toMatchObject({ cutOff: 2, removed: false })
    expect([state.applied, state.quarantined]).toEqual([{ [A]: 3, [B]: 2 }, { [B]: 1 }])
    const before = oracle(world({ ...logs, [A]: [genesis([]), change({}, fork(B, 2))] }))
    expect([membersOf(before), before.forks]).toEqual([[A], { [B]: 2 }])
  })
  test('of a log that would join by a succeed counts when it does, and at 0 keeps it from joining', () => {
    const logs = (length: number) => ({
      [A]: [genesis([B]), change({ [X]: 1 }, admit(X), fork(X, length))],
      [X]: [change({ [A]: 1 }, succeed(B)), change({}, add(C))]
    })
    expect(cutOffs(oracle(world(logs(1))))).toEqual([
      [A, null],
      [B, null],
      [X, 1]
    ])
    expect(membersOf(oracle(world(logs(0))))).toEqual([A, B])
  })
  test('gives one state for two branches of a log', () => {
    const state = (newcomer: string) =>
      oracle(
        world({
          [A]: [genesis([C]), change({ [B]: 1 }, fork(B, 1))],
          [C]: [change({ [A]: 1 }, add(B))],
          [B]: [write({ [A]: 1, [C]: 1 }, []), change({}, add(newcomer), remove(C, 0))]
        })
      )
    expect(cutOffs(state(X))).toEqual([
      [A, null],
      [C, null],
      [B, 1]
    ])
    expect(cutOffs(state(Y))).toEqual(cutOffs(state(X)))
  })
  test('begins the walk anew without what was walked from the cut-off on', () => {
    const state = (newcomer: string) =>
      oracle(
        world({
          [A]: [
            genesis([B, C]),
            ...Array.from({ length: 4 }, () => write({}, [])),
            change({}, add(newcomer))
          ],
          [B]: [change({ [A]: 6 }, fork(A, 5))],
          [C]: [change({ [A]: 6, [B]: 1 }, add(D))]
        })
      )
    for (const newcomer of [Y, Z]) {
      expect(cutOffs(state(newcomer))).toEqual([
        [A, 5],
        [B, null],
        [C, null],
        [D, null]
      ])
    }
  })
  test('stays when what it cut off is what had let its author in', () => {
    const state = oracle(
      world({
        [A]: [genesis([B])],
        [B]: [write({ [A]: 1 }, []), change({}, add(C))],
        [C]: [change({ [A]: 1, [B]: 2 }, fork(B, 1))]
      })
    )
    expect(cutOffs(state)).toEqual([
      [A, null],
      [B, 1]
    ])
    expect([state.forks, state.walked]).toEqual([{ [B]: 1 }, { [A]: 1 }])
  })
  test('of the own log, in the transaction from which on it counts, takes that back', () => {
    const state = oracle(
      world({ [A]: [genesis([B])], [B]: [write({ [A]: 1 }, []), change({}, add(C), fork(B, 1), add(D))] })
    )
    expect(membersOf(state)).toEqual([A, B])
    expect([memberOf(state, B)?.cutOff, state.quarantined]).toEqual([1, { [B]: 1 }])
  })
  test('of two logs in one transaction counts for both', () => {
    const state = oracle(
      world({
        [A]: [genesis([B, C])],
        [B]: [change({ [A]: 1 }, add(X)), change({}, add(Y))],
        [C]: [change({ [A]: 1, [B]: 2, [X]: 1 }, fork(B, 1), fork(X, 0))],
        [X]: [change({ [A]: 1, [B]: 1 }, add(Z))]
      })
    )
    expect(cutOffs(state)).toEqual([
      [A, null],
      [B, 1],
      [C, null],
      [X, 0]
    ])
  })
  test('is not undone by an add', () => {
    const state = oracle(world({ [A]: [genesis([B]), change({}, fork(B, 1)), change({}, add(B))], [B]: log }))
    expect(memberOf(state, B)).toMatchObject({ cutOff: 1 })
  })
  test('of the first writer leaves the database to the others and to its next log', () => {
    const state = oracle(
      world({
        [A]: [genesis([B]), write({}, [assign(['a'], 1)]), write({}, [assign(['lost'], 1)])],
        [B]: [change({ [A]: 1 }, fork(A, 2))],
        [X]: [change({ [A]: 3, [B]: 1 }, succeed(A)), write({}, [assign(['x'], 1)]), change({}, remove(B, 1))]
      })
    )
    expect(shown(state)).toEqual({ a: 1, x: 1 })
    expect(state.members).toMatchObject([
      { writer: A, cutOff: 2, removed: false },
      { writer: B, cutOff: 1, removed: true },
      { writer: X, name: 'creator', previous: A }
    ])
  })
})

describe('a fork stands from the start of the walk, whoever tells it:', () => {
  const log = [write({ [A]: 1 }, []), write({}, []), write({}, [])]

  test('past a cut-off, of a remove or of another fork', () => {
    for (const cut of [remove(B, 1), fork(B, 1)]) {
      const state = oracle(
        world({
          [A]: [genesis([B, C]), change({}, cut)],
          [B]: [write({ [A]: 1 }, []), change({}, add(X), fork(C, 2))],
          [C]: log
        })
      )
      expect(cutOffs(state)).toEqual([
        [A, null],
        [B, 1],
        [C, 2]
      ])
      expect(memberOf(state, C)).toMatchObject({ removed: false })
      expect([state.applied[C], state.quarantined]).toEqual([2, { [B]: 1, [C]: 1 }])
    }
  })
  test('in the log of a stranger, of which nothing else counts', () => {
    const state = oracle(
      world({
        [A]: [genesis([B, C]), change({}, admit(D))],
        [B]: log,
        [D]: [change({ [A]: 1 }, add(X), fork(B, 1), remove(C, 0))]
      })
    )
    expect(cutOffs(state)).toEqual([
      [A, null],
      [B, 1],
      [C, null]
    ])
    expect([state.waiting, state.quarantined, state.walked]).toEqual([{ [D]: 1 }, { [B]: 2 }, { [A]: 2 }])
  })
  test('in the log of a stranger, unless the writer is removed; in that of a member also then', () => {
    const forks = (...records: Array<ReturnType<typeof add>>) =>
      oracle(
        world({
          [A]: [genesis([B, C]), change({}, admit(D), ...records)],
          [B]: log,
          [C]: log,
          [D]: [change({ [A]: 99 }, fork(B, 1), fork(C, 1))]
        })
      ).forks
    expect(forks()).toEqual({ [B]: 1, [C]: 1 })
    expect(forks(remove(B, 2))).toEqual({ [C]: 1 })
    expect(forks(add(D), remove(B, 2))).toEqual({ [B]: 1, [C]: 1 })
    expect(forks(add(D), remove(D, 0), remove(B, 2))).toEqual({ [B]: 1, [C]: 1 })
  })
  test('in the log of a stranger, also when only what it cuts off had removed its writer', () => {
    const state = (...told: Array<ReturnType<typeof fork>>) =>
      oracle(
        world({
          [A]: [genesis([B, C]), change({}, admit(D))],
          [B]: [write({ [A]: 1 }, []), change({}, remove(C, 1))],
          [C]: [write({ [A]: 1 }, []), change({}, add(Y))],
          [D]: [change({}, fork(C, 0), ...told)]
        })
      )
    expect([state().forks, cutOffs(state())]).toEqual([
      {},
      [
        [A, null],
        [B, null],
        [C, 1]
      ]
    ])
    // The second walk removes nobody.
    expect(state(fork(B, 1)).forks).toEqual({ [B]: 1, [C]: 0 })
  })
  test('also when its author is a member only in the walk before the cut: a device that may write says it again', () => {
    const logs = (branch: ReturnType<typeof change>, ...again: Array<ReturnType<typeof fork>>) => ({
      [A]: [genesis([B, C]), change({}, admit(D), remove(B, 2)), change({}, ...again)],
      [B]: [write({ [A]: 1 }, []), branch],
      [C]: log,
      [D]: [change({ [A]: 1, [B]: 2 }, fork(B, 1), fork(C, 1))]
    })
    const state = oracle(world(logs(change({}, add(D)))))
    expect(cutOffs(state)).toEqual([
      [A, null],
      [B, 1],
      [C, 1]
    ])
    expect([state.walked, state.waiting, state.quarantined]).toEqual([
      { [A]: 2 },
      { [D]: 1 },
      { [B]: 1, [C]: 2 }
    ])
    // With the other branch it is a stranger, and B is removed.
    const other = oracle(world(logs(write({}, []))))
    expect([other.forks, memberOf(other, B)?.cutOff]).toEqual([{ [C]: 1 }, 2])
    expect([state.toSay(A), other.toSay(A)]).toEqual([[fork(B, 1), fork(C, 1)], [fork(C, 1)]])
    for (const branch of [change({}, add(D)), write({}, [])]) {
      const said = oracle(world(logs(branch, ...state.toSay(A))))
      expect([cutOffs(said), said.toSay(A)]).toEqual([cutOffs(state), []])
    }
  })
  test('not by a log that one who is removed names behind its removal, of that one', () => {
    const state = (...told: Array<ReturnType<typeof fork>>) =>
      oracle(
        world({
          [A]: [genesis([B, C]), change({}, remove(B, 1))],
          [B]: [write({ [A]: 1 }, []), change({}, add(D), ...told)],
          [C]: log,
          [D]: [change({ [A]: 1, [B]: 2 }, fork(B, 0), fork(C, 1))]
        })
      )
    expect([state().forks, state().waiting]).toEqual([{ [C]: 1 }, { [D]: 1 }])
    expect(state(fork(B, 0), fork(C, 0)).forks).toEqual({ [C]: 0 })
  })
  test('not by the logs of a thief of the first device that the owner removed', () => {
    const logs = (options: { ownerKey?: string }) => ({
      [A]: [genesis([B, C], options), write({}, []), change({}, add(D), fork(A, 1), fork(C, 1))],
      [B]: [change({ [A]: 2 }, remove(A, 2))],
      [C]: log,
      [D]: [change({ [A]: 3 }, fork(A, 1), fork(C, 0))],
      [X]: [change({ [A]: 2 }, succeed(A), fork(A, 1))]
    })
    // What they tell of others is heard.
    const owned = oracle(world(logs({ ownerKey: B })))
    expect([cutOffs(owned), owned.forks]).toEqual([
      [
        [A, 2],
        [B, null],
        [C, 0]
      ],
      { [C]: 0 }
    ])
    // Without an owner key the first line goes first.
    const state = oracle(world(logs({})))
    expect(cutOffs(state)).toEqual([
      [A, 1],
      [B, null],
      [C, 0],
      [X, null]
    ])
  })
  test('in three walks, of which each lets one more be heard', () => {
    const logs = (...told: Array<ReturnType<typeof fork>>) => ({
      [A]: [genesis([B, C, X]), change({}, admit(D), remove(X, 2), ...told)],
      [B]: log.slice(0, 2),
      [C]: [change({ [A]: 1, [B]: 3 }, add(D))],
      [D]: [change({ [A]: 1 }, fork(X, 1))],
      [X]: [write({ [A]: 1 }, []), change({}, add(Y))],
      [Y]: [change({ [A]: 1 }, fork(C, 1))]
    })
    // C waits for a block of B that is not held.
    const waiting = oracle(world(logs()))
    expect([membersOf(waiting), waiting.forks]).toEqual([[A, B, C, X, Y], { [C]: 1 }])
    // Then D joins, and takes Y back, whose own stays.
    const state = oracle(world(logs(fork(B, 1))))
    expect(cutOffs(state)).toEqual([
      [A, null],
      [B, 1],
      [C, 1],
      [X, 1],
      [D, null]
    ])
    expect([state.forks, state.walked]).toEqual([
      { [B]: 1, [C]: 1, [X]: 1 },
      { [A]: 2, [C]: 1, [D]: 1 }
    ])
  })
  test('and lowers nothing in the walk that comes to it', () => {
    const state = oracle(
      world({
        [A]: [genesis([B]), change({}, fork(B, 1))],
        [B]: [write({ [A]: 1 }, []), change({}, add(C))],
        [C]: [change({ [A]: 1, [B]: 2 }, fork(D, 0))]
      })
    )
    expect([membersOf(state), state.forks]).toEqual([[A, B], { [B]: 1, [D]: 0 }])
  })
  test('in a transaction that waits for ever', () => {
    const state = oracle(world({ [A]: [genesis([B, C])], [B]: log, [C]: [change({ [A]: 99 }, fork(B, 1))] }))
    expect([memberOf(state, B)?.cutOff, state.waiting]).toEqual([1, { [C]: 1 }])
  })
  test('by a member that one branch of the forked log removes, whichever branch is held', () => {
    const state = (branch: ReturnType<typeof change>) =>
      oracle(
        world({
          [A]: [genesis([B, C])],
          [B]: [write({ [A]: 1 }, [assign([], 'b')]), branch],
          [C]: [change({ [A]: 1, [B]: 1 }, fork(B, 1)), write({}, [assign([], 'c')], { ms: 2000 })]
        })
      )
    for (const branch of [change({}, remove(C, 0)), change({}, add(X)), write({}, [])]) {
      const { members, applied, quarantined, entries } = state(branch)
      expect(members.map(({ writer, cutOff, removed }) => [writer, cutOff, removed])).toEqual([
        [A, null, false],
        [B, 1, false],
        [C, null, false]
      ])
      expect([applied, quarantined]).toEqual([{ [A]: 1, [B]: 1, [C]: 2 }, { [B]: 1 }])
      expect(entries.get('6b')).toEqual({ kind: 'document', text: '"c"' })
    }
  })
  test('by one of whose own log all is cut off, by the fork of another', () => {
    const state = oracle(
      world({
        [A]: [genesis([B, C])],
        [B]: [change({ [A]: 1 }, fork(C, 0))],
        [C]: [change({ [A]: 1 }, fork(B, 0))]
      })
    )
    expect(cutOffs(state)).toEqual([
      [A, null],
      [B, 0],
      [C, 0]
    ])
  })
  test('before anything is walked: no transaction past it is ever reached', () => {
    const state = oracle(
      world({
        [A]: [genesis([B, C])],
        [B]: [write({ [A]: 1 }, []), change({}, add(X))],
        [C]: [write({ [A]: 1 }, []), change({ [B]: 2, [X]: 1 }, fork(B, 1), add(Y))],
        [X]: [change({ [A]: 1, [B]: 2 }, add(Z))]
      })
    )
    expect([membersOf(state), state.walked]).toEqual([[A, B, C, Y], { [A]: 1, [C]: 2 }])
  })
  test('of one writer by several, at the lowest place', () => {
    const state = (...members: string[]) =>
      oracle(
        world({
          [A]: [genesis(members), change({}, fork(B, 3), admit(C), admit(D), remove(B, 9))],
          [B]: log,
          [C]: [change({}, fork(B, 2))],
          [D]: [change({}, fork(B, 1)), change({}, fork(B, 2))]
        })
      )
    expect([memberOf(state(B), B)?.cutOff, state(B).forks]).toEqual([3, { [B]: 3 }])
    expect(state(B, C).forks).toEqual({ [B]: 2 })
    expect([memberOf(state(B, C, D), B)?.cutOff, state(B, C, D).forks]).toEqual([1, { [B]: 1 }])
  })
  test('of a log that has not joined yet, which then joins cut', () => {
    const logs = (length: number, members: string[], ...records: Array<ReturnType<typeof add>>) => ({
      [A]: [genesis([B, ...members]), change({}, admit(D), ...records)],
      [D]: [change({}, fork(X, length))],
      [X]: [change({ [A]: 1 }, succeed(B)), change({}, add(C))]
    })
    for (const members of [[], [D]]) {
      const joined: Array<[string, number | null]> = [A, B, ...members].map((writer) => [writer, null])
      expect(cutOffs(oracle(world(logs(1, members))))).toEqual([...joined, [X, 1]])
      expect(cutOffs(oracle(world(logs(0, members))))).toEqual(joined)
    }
    // A remove names it before it joins.
    const removed = oracle(world(logs(1, [], remove(X, 9))))
    expect([cutOffs(removed).slice(2), removed.forks]).toEqual([
      [
        [X, 9],
        [C, null]
      ],
      {}
    ])
    expect(oracle(world(logs(1, [D], remove(X, 9)))).forks).toEqual({ [X]: 1 })
  })
  test('of the first log at 0 leaves nothing, the genesis neither', () => {
    const state = (members: string[], ...records: Array<ReturnType<typeof add>>) =>
      oracle(
        world({
          [A]: [
            genesis([B, ...members], { deleteWins: true, ownerKey: B }),
            change({}, admit(D), ...records)
          ],
          [B]: [write({ [A]: 1 }, [assign([], 'b')])],
          [D]: [change({}, fork(A, 0))]
        })
      )
    for (const told of [state([]), state([D]), state([D], remove(A, 2))]) {
      expect(told.members).toEqual([{ writer: A, name: '', cutOff: 0, removed: false, previous: null }])
      expect([told.deleteWins, told.ownerKey, told.applied, told.walked]).toEqual([false, null, {}, {}])
      expect([told.quarantined, told.waiting]).toEqual([{ [A]: 2 }, { [B]: 1, [D]: 1 }])
    }
    const removed = state([], remove(A, 2))
    expect([removed.deleteWins, removed.ownerKey, removed.forks]).toEqual([true, B, {}])
    expect([cutOffs(removed), removed.applied, removed.waiting]).toEqual([
      [
        [A, 2],
        [B, null]
      ],
      { [A]: 2, [B]: 1 },
      { [D]: 1 }
    ])
  })
})

describe('a fork that a log of its own line tells counts, while its writer is removed only when it is walked:', () => {
  const three = [write({ [A]: 1 }, []), write({}, []), write({}, [])]
  /** B is removed at 3, so that nothing that goes on from it is let in. */
  const expelled = [genesis([B, C]), change({}, remove(B, 3), admit(D))]

  test('by itself', () => {
    const logs = (...first: Array<ReturnType<typeof change>>) => ({
      [A]: [genesis([B]), ...first],
      [B]: [write({ [A]: 1 }, []), write({}, []), change({}, fork(B, 1))]
    })
    expect(memberOf(oracle(world(logs())), B)).toMatchObject({ cutOff: 1, removed: false })
    // Past its cut-off nothing is walked.
    const cut = oracle(world(logs(change({}, remove(B, 2)))))
    expect([memberOf(cut, B)?.cutOff, cut.forks]).toEqual([2, {}])
  })
  test('by itself, in a transaction that waits for ever: while it is removed not, until another says it', () => {
    const logs = (...last: Array<ReturnType<typeof change>>) => ({
      [A]: [genesis([B, C]), ...last],
      [B]: [write({ [A]: 1 }, []), change({ [A]: 99 }, fork(B, 1), fork(C, 1))]
    })
    expect(oracle(world(logs())).forks).toEqual({ [B]: 1, [C]: 1 })
    const removed = change({}, remove(B, 2))
    expect(oracle(world(logs(removed))).forks).toEqual({ [C]: 1 })
    expect(oracle(world(logs(removed, change({}, fork(B, 1))))).forks).toEqual({ [B]: 1, [C]: 1 })
    // By a member of another line, also in one that waits.
    const waiting = { ...logs(removed), [C]: [change({ [A]: 99 }, fork(B, 1))] }
    expect(oracle(world(waiting)).forks).toEqual({ [B]: 1, [C]: 1 })
  })
  test('by itself, as a stranger: unless it is removed', () => {
    const forks = (...records: Array<ReturnType<typeof add>>) =>
      oracle(world({ [A]: [genesis([]), change({}, ...records)], [D]: [change({}, fork(D, 0))] })).forks
    expect(forks(admit(D))).toEqual({ [D]: 0 })
    expect(forks(admit(D), remove(D, 1))).toEqual({})
    expect(forks(add(D))).toEqual({ [D]: 0 })
    expect(forks(add(D), remove(D, 0))).toEqual({})
    // It is walked below its cut-off.
    expect(forks(add(D), remove(D, 1))).toEqual({ [D]: 0 })
  })
  test('by a successor that is let in', () => {
    const state = oracle(
      world({
        [A]: [genesis([B])],
        [B]: three,
        [X]: [change({ [A]: 1, [B]: 3 }, succeed(B), fork(B, 2))]
      })
    )
    expect(cutOffs(state)).toEqual([
      [A, null],
      [B, 2],
      [X, null]
    ])
  })
  test('by a successor that is not let in: not, though the same told by a member does', () => {
    const logs = { [A]: expelled, [B]: three, [X]: [change({ [A]: 1 }, succeed(B), fork(B, 1))] }
    const state = oracle(world(logs))
    expect([memberOf(state, B)?.cutOff, state.forks, membersOf(state)]).toEqual([3, {}, [A, B, C]])
    const told = { [D]: [change({}, fork(B, 1))] }
    expect(oracle(world({ ...logs, ...told })).forks).toEqual({})
    const member = oracle(world({ ...logs, ...told, [A]: [...expelled, change({}, add(D))] }))
    expect([memberOf(member, B)?.cutOff, member.forks]).toEqual([1, { [B]: 1 }])
    // Of others it is heard.
    const other = oracle(world({ ...logs, [X]: [change({ [A]: 1 }, succeed(B), fork(C, 1))] }))
    expect(other.forks).toEqual({ [C]: 1 })
  })
  test('by a successor that is let in, in a transaction that is not walked: not', () => {
    const state = (...records: Array<ReturnType<typeof add>>) =>
      oracle(
        world({
          [A]: [genesis([B]), change({}, add(X)), change({ [X]: 1 }, ...records)],
          [B]: three,
          [X]: [change({ [A]: 1 }, succeed(B)), change({}, fork(B, 1))]
        })
      )
    const cut = state(remove(X, 1), remove(B, 3))
    expect([cut.forks, previousOf(cut, X)]).toEqual([{}, B])
    expect(cutOffs(cut)).toEqual([
      [A, null],
      [B, 3],
      [X, 1]
    ])
    // B is not removed, or X's is walked.
    expect(state(remove(X, 1)).forks).toEqual({ [B]: 1 })
    expect(state(remove(B, 3)).forks).toEqual({ [B]: 1 })
  })
  test('by a successor that is no member of the line but was added: when it is walked', () => {
    const logs = { [B]: three, [X]: [change({ [A]: 3 }, succeed(B), fork(B, 1))] }
    const state = oracle(world({ [A]: [...expelled, change({}, add(X))], ...logs }))
    expect([previousOf(state, X), state.forks]).toEqual([null, { [B]: 1 }])
    // One that waits for ever tells of others only.
    const waiting = { ...logs, [X]: [change({ [A]: 99 }, succeed(B), fork(B, 1), fork(C, 1))] }
    const unwalked = oracle(world({ [A]: [...expelled, change({}, add(X))], ...waiting }))
    expect([membersOf(unwalked), unwalked.forks]).toEqual([[A, B, C, X], { [C]: 1 }])
  })
  test('by a successor that is let in only in the walk before the cut: that stays', () => {
    const state = oracle(
      world({
        [A]: [genesis([B]), change({}, fork(B, 1))],
        [B]: [write({ [A]: 1 }, []), change({}, add(D))],
        [D]: [change({ [A]: 1, [B]: 2 }, add(Y))],
        [X]: [change({ [A]: 1, [B]: 2 }, succeed(D), fork(D, 0))]
      })
    )
    expect([membersOf(state), state.forks]).toEqual([[A, B], { [B]: 1, [D]: 0 }])
  })
  test('by a successor of a successor', () => {
    const logs = {
      [B]: three,
      [X]: [change({ [A]: 1 }, succeed(B))],
      [Y]: [change({ [A]: 1 }, succeed(X), fork(B, 2), fork(X, 1))]
    }
    const letIn = oracle(world({ [A]: [genesis([B])], ...logs }))
    expect(cutOffs(letIn)).toEqual([
      [A, null],
      [B, 2],
      [X, 1],
      [Y, null]
    ])
    const not = oracle(world({ [A]: expelled, ...logs }))
    // X joins nowhere, but nobody removes it.
    expect([not.forks, membersOf(not)]).toEqual([{ [X]: 1 }, [A, B, C]])
  })
  test('as far as the logs are held that say whom they succeed', () => {
    const told = [change({ [A]: 99 }, succeed(X), fork(B, 2), fork(X, 1))]
    expect(oracle(world({ [A]: expelled, [B]: three, [Y]: told })).forks).toEqual({ [X]: 1 })
    // A member, of which nothing is walked.
    const logs = { [A]: [...expelled, change({}, add(Y))], [B]: three, [Y]: told }
    expect(oracle(world(logs)).forks).toEqual({ [B]: 2, [X]: 1 })
    expect(oracle(world({ ...logs, [X]: [change({}, succeed(B))] })).forks).toEqual({ [X]: 1 })
    // Whatever the log between is worth: cut at 0, it still says so.
    const cut = { ...logs, [X]: [change({}, succeed(B))], [C]: [change({}, fork(X, 0))] }
    expect(oracle(world(cut)).forks).toEqual({ [X]: 0 })
  })
  test('of one that succeeds it, or that succeeds the same', () => {
    const logs = {
      [B]: [...three, change({}, fork(X, 0))],
      [X]: [change({ [A]: 1 }, succeed(B), fork(Y, 0))],
      [Y]: [change({ [A]: 1 }, succeed(B))]
    }
    const not = oracle(world({ [A]: expelled, ...logs }))
    expect([not.forks, membersOf(not)]).toEqual([{ [X]: 0, [Y]: 0 }, [A, B, C]])
    const removed = [...expelled, change({}, remove(X, 0), remove(Y, 0))]
    expect(oracle(world({ [A]: removed, ...logs })).forks).toEqual({})
    const walked = oracle(world({ [A]: [genesis([B])], ...logs }))
    expect([membersOf(walked), walked.forks]).toEqual([[A, B], { [X]: 0, [Y]: 0 }])
    // Of one that goes on from the same log, of which nothing is held.
    const { [B]: _, ...without } = logs
    expect(oracle(world({ [A]: removed, ...without })).forks).toEqual({})
    const added = oracle(world({ [A]: [...expelled, change({}, add(X), remove(Y, 0))], ...without }))
    expect([memberOf(added, X)?.cutOff, added.forks]).toEqual([null, { [Y]: 0 }])
    // Told by a log of another line.
    const told = { ...logs, [C]: [change({ [A]: 99 }, fork(X, 0))] }
    expect(oracle(world({ [A]: removed, ...told })).forks).toEqual({ [X]: 0 })
  })
  test('in a circle: of a removed log in it only when walked, of others from the start', () => {
    const circle = {
      [X]: [change({ [A]: 1 }, succeed(Z), fork(X, 1), fork(Y, 1), fork(Z, 1), fork(B, 1))],
      [Y]: [change({ [A]: 1 }, succeed(X))],
      [Z]: [change({ [A]: 1 }, succeed(Y), fork(X, 1), fork(C, 2))]
    }
    const state = (members: string[], ...last: Array<ReturnType<typeof change>>) =>
      oracle(world({ [A]: [genesis(members), ...last], ...circle }))
    const all = { [B]: 1, [C]: 2, [X]: 1, [Y]: 1, [Z]: 1 }
    const strangers = state([B, C])
    expect([strangers.forks, membersOf(strangers)]).toEqual([all, [A, B, C]])
    const { [B]: _, ...others } = all
    expect(state([B, C], change({}, remove(B, 9))).forks).toEqual(others)
    const removed = change({}, remove(X, 0), remove(Y, 0), remove(Z, 0))
    for (const members of [
      [B, C],
      [B, C, X, Z]
    ]) {
      const cut = state(members, removed)
      expect([cut.forks, membersOf(cut)]).toEqual([{ [B]: 1, [C]: 2 }, [A, ...members]])
    }
    const one = state([B, C, X, Z], change({}, remove(X, 0), remove(Z, 0)))
    expect([one.forks, membersOf(one)]).toEqual([{ [B]: 1, [C]: 2, [Y]: 1 }, [A, B, C, X, Z]])
    expect(state([X]).forks).toEqual(all)
    const walked = state([X], change({ [X]: 1 }, remove(X, 1), remove(Y, 0), remove(Z, 0)))
    expect([walked.forks, membersOf(walked)]).toEqual([all, [A, X]])
  })
  test('in a circle that its own log is not in', () => {
    const logs = {
      [X]: [change({ [A]: 1 }, succeed(Y), fork(Y, 1), fork(Z, 1), fork(B, 1))],
      [Y]: [change({ [A]: 1 }, succeed(Z))],
      [Z]: [change({ [A]: 1 }, succeed(Y))]
    }
    const removed = change({}, remove(X, 0), remove(Y, 0), remove(Z, 0))
    for (const members of [[B], [B, X]]) {
      expect(oracle(world({ [A]: [genesis(members), removed], ...logs })).forks).toEqual({ [B]: 1 })
      const cut = [genesis(members), change({}, remove(X, 0))]
      expect(oracle(world({ [A]: cut, ...logs })).forks).toEqual({ [B]: 1, [Y]: 1, [Z]: 1 })
    }
  })
  test('of a log that says it goes on from itself', () => {
    const forks = (members: string[], ...last: Array<ReturnType<typeof change>>) => {
      const log = [change({ [A]: 1 }, succeed(X), fork(X, 1), fork(B, 0))]
      return oracle(world({ [A]: [genesis(members), ...last], [X]: log })).forks
    }
    for (const members of [[B], [B, X]]) {
      expect(forks(members)).toEqual({ [B]: 0, [X]: 1 })
      expect(forks(members, change({}, remove(X, 0)))).toEqual({ [B]: 0 })
    }
    expect(forks([B, X], change({}, remove(X, 1)))).toEqual({ [B]: 0, [X]: 1 })
  })
  test('and then stays, also when what another cuts off had let its author in', () => {
    const state = oracle(
      world({
        [A]: [genesis([B])],
        [B]: [write({ [A]: 1 }, []), change({}, add(X))],
        [X]: [change({ [A]: 1, [B]: 2 }, fork(B, 1), fork(X, 0))]
      })
    )
    expect([cutOffs(state), state.forks]).toEqual([
      [
        [A, null],
        [B, 1]
      ],
      { [B]: 1, [X]: 0 }
    ])
    const walked = oracle(
      world({
        [A]: [genesis([B]), write({}, []), change({}, add(Y))],
        [X]: [change({ [A]: 3 }, succeed(B)), change({ [Y]: 1 }, fork(B, 1))],
        [Y]: [change({ [A]: 3 }, fork(X, 1))]
      })
    )
    // X's own is walked before Y's cuts it off.
    expect([walked.forks, walked.walked]).toEqual([
      { [B]: 1, [X]: 1 },
      { [A]: 3, [X]: 1, [Y]: 1 }
    ])
  })
})

describe('two branches of a forked log, held by different devices', () => {
  const one = write({ [A]: 1 }, [])
  type Log = Array<ReturnType<typeof change>>

  test('end alike when one of them removes who let in the one that tells: it is heard as a stranger', () => {
    const state = (...branch: Log) =>
      oracle(
        world({
          [A]: [genesis([B, C])],
          [B]: [one, ...branch],
          [C]: [change({ [A]: 1 }, add(D))],
          [D]: [change({ [A]: 1, [C]: 1 }, fork(B, 1))]
        })
      )
    for (const branch of [write({}, []), change({}, remove(C, 0))]) {
      expect(cutOffs(state(branch))).toEqual([
        [A, null],
        [B, 1],
        [C, null],
        [D, null]
      ])
      // D has said it, B is cut off.
      for (const writer of [A, C]) expect(state(branch).toSay(writer)).toEqual([fork(B, 1)])
      for (const writer of [B, D]) expect(state(branch).toSay(writer)).toEqual([])
    }
  })
  test('end alike when only its own line tells, and that waits for what only one of them holds', () => {
    const state = (...branch: Log) =>
      oracle(
        world({
          [A]: [genesis([B, C])],
          [B]: [one, ...branch],
          // Has seen the first branch.
          [C]: [change({ [A]: 1, [B]: 3 }, add(D))],
          [X]: [change({ [A]: 1, [B]: 1, [C]: 1 }, succeed(B), fork(B, 1))]
        })
      )
    for (const told of [state(write({}, []), write({}, [])), state(change({}, add(Y)))]) {
      expect([cutOffs(told), told.forks]).toEqual([
        [
          [A, null],
          [B, 1],
          [C, null],
          [D, null],
          [X, null]
        ],
        { [B]: 1 }
      ])
      for (const writer of [A, C, D]) expect(told.toSay(writer)).toEqual([fork(B, 1)])
      // B is cut off, X has said it, Y is a stranger.
      for (const writer of [B, X, Y]) expect(told.toSay(writer)).toEqual([])
    }
  })
  test('a device that may write says every known fork, unless its own log has one that cuts as low', () => {
    const state = (...said: Log) =>
      oracle(
        world({
          [A]: [genesis([B, C]), ...said],
          [B]: [one, write({}, [])],
          // Walked, and in one that waits.
          [C]: [change({ [A]: 1 }, fork(B, 1)), change({ [A]: 99 }, fork(X, 1))],
          [X]: [change({ [A]: 1 }, succeed(B), fork(B, 2))],
          [Y]: [change({ [A]: 1 }, succeed(X))]
        })
      )
    expect(state().forks).toEqual({ [B]: 1, [X]: 1 })
    // Also of its own line, and what was walked.
    for (const writer of [A, Y]) expect(state().toSay(writer)).toEqual([fork(B, 1), fork(X, 1)])
    // C has said both, B and X are cut off.
    for (const writer of [B, C, X]) expect(state().toSay(writer)).toEqual([])
    expect(state(change({}, fork(B, 2))).toSay(A)).toEqual([fork(B, 1), fork(X, 1)])
    expect(state(change({ [A]: 1 }, fork(B, 1), fork(X, 1))).toSay(A)).toEqual([])
    // Of both the lowest.
    const lower = state(change({}, fork(B, 0)))
    expect([lower.toSay(A), lower.toSay(C), lower.toSay(Y)]).toEqual([
      [fork(X, 1)],
      [fork(B, 0)],
      [fork(B, 0), fork(X, 1)]
    ])
  })
  test('a device says no fork of a log that it does not follow', () => {
    const toSay = (logs: Record<string, Log>) => {
      const told = { [C]: [change({ [A]: 1 }, fork(D, 1))] }
      const state = oracle(world({ [A]: [genesis([B, C])], ...told, ...logs }))
      expect([state.forks, membersOf(state)]).toEqual([{ [D]: 1 }, [A, B, C]])
      return state.toSay(A)
    }
    expect(toSay({})).toEqual([])
    // A log that goes on from it does not name it.
    expect(toSay({ [X]: [change({ [A]: 99 }, succeed(D))] })).toEqual([])
    // In transactions that are not walked.
    for (const record of [add(D), admit(D)])
      expect(toSay({ [B]: [change({ [A]: 99 }, record)] })).toEqual([fork(D, 1)])
    expect(toSay({ [D]: [change({ [A]: 99 }, succeed(B))] })).toEqual([fork(D, 1)])
    // The first is followed, whoever names it.
    const first = oracle(
      world({ [A]: [genesis([B, C]), one], [B]: [change({ [A]: 1 }, fork(A, 1))], [C]: [one] })
    )
    expect(first.toSay(C)).toEqual([fork(A, 1)])
  })
  test('end alike when one of them tells itself and only its own line may write, once that has said it', () => {
    const state = (branch: ReturnType<typeof change>, ...said: Log) =>
      oracle(
        world({
          [A]: [genesis([]), ...said],
          [X]: [change({ [A]: 1 }, succeed(A)), branch]
        })
      )
    const branches = [change({}, fork(X, 1)), write({}, [])] as const
    const [told, other] = [state(branches[0]), state(branches[1])]
    expect([told.forks, other.forks]).toEqual([{ [X]: 1 }, {}])
    expect([told.toSay(A), other.toSay(A)]).toEqual([[fork(X, 1)], []])
    for (const branch of branches) {
      const said = state(branch, change({}, ...told.toSay(A)))
      expect([said.forks, cutOffs(said)]).toEqual([told.forks, cutOffs(told)])
    }
  })
  test('end alike when one removes the writer, which tells in the other, once one that saw it has said it', () => {
    // One branch leaves, the other goes on in a new log.
    const state = (branch: ReturnType<typeof change>, ...said: Log) =>
      oracle(
        world({
          [A]: [genesis([B]), ...said],
          [B]: [one, branch],
          [X]: [change({ [A]: 1, [B]: 1 }, succeed(B), fork(B, 1))]
        })
      )
    const [left, went] = [state(change({}, remove(B, 2))), state(write({}, []))]
    expect([cutOffs(left), left.forks]).toEqual([
      [
        [A, null],
        [B, 2]
      ],
      {}
    ])
    expect([cutOffs(went), went.toSay(X)]).toEqual([
      [
        [A, null],
        [B, 1],
        [X, null]
      ],
      []
    ])
    const said = went.toSay(A)
    expect(said).toEqual([fork(B, 1)])
    for (const branch of [change({}, remove(B, 2)), write({}, [])])
      expect(cutOffs(state(branch, change({}, ...said)))).toEqual(cutOffs(went))
  })
  test('end alike when the writer is removed and one removes who let in the one that tells, once another has said it', () => {
    const state = (branch: ReturnType<typeof change>, by = A, ...said: Log) =>
      oracle(
        world({
          [A]: [genesis([B, C]), change({ [B]: 2 }, remove(B, 2)), ...(by === A ? said : [])],
          [B]: [one, branch],
          [C]: [change({ [A]: 1 }, add(D)), ...(by === C ? said : [])],
          [D]: [change({ [A]: 1, [C]: 1 }, fork(B, 1))]
        })
      )
    const [first, second] = [state(change({}, remove(C, 0))), state(write({}, []))]
    expect([cutOffs(first), first.forks]).toEqual([
      [
        [A, null],
        [B, 2],
        [C, 0]
      ],
      {}
    ])
    expect([cutOffs(second), second.forks]).toEqual([
      [
        [A, null],
        [B, 1],
        [C, null],
        [D, null]
      ],
      { [B]: 1 }
    ])
    // D is heard no more where it is a stranger.
    for (const writer of [A, C]) expect(second.toSay(writer)).toEqual([fork(B, 1)])
    for (const by of [A, C]) {
      for (const branch of [change({}, remove(C, 0)), write({}, [])])
        expect(cutOffs(state(branch, by, change({}, fork(B, 1))))).toEqual(cutOffs(second))
    }
  })
})

describe('who holds the keys of a removed device', () => {
  const one = write({ [A]: 1 }, [])
  const expelled = [genesis([B, C]), change({ [B]: 2 }, remove(B, 2))]

  test('is not heard of a fork of it: by a log that goes on from it, or that it names', () => {
    const state = oracle(
      world({
        [A]: expelled,
        [B]: [one, write({}, []), change({}, add(D), fork(B, 0))],
        [D]: [change({ [A]: 1, [B]: 3 }, fork(B, 0))],
        [X]: [change({ [A]: 1 }, succeed(B), fork(B, 0))],
        [Y]: [change({ [A]: 1 }, succeed(X), fork(B, 0))]
      })
    )
    expect([cutOffs(state), state.forks]).toEqual([
      [
        [A, null],
        [B, 2],
        [C, null]
      ],
      {}
    ])
  })
  test('is heard while the removal waits for blocks, and what a device then says again stays', () => {
    const state = (log: Array<ReturnType<typeof write>>, ...said: Array<ReturnType<typeof change>>) =>
      oracle(
        world({
          [A]: expelled,
          [B]: log,
          [C]: said,
          [X]: [change({ [A]: 1 }, succeed(B), fork(B, 0))]
        })
      )
    const whole = [one, write({}, [])]
    expect([state(whole).forks, state(whole).toSay(C)]).toEqual([{}, []])
    expect([state([one]).forks, state([one]).toSay(C)]).toEqual([{ [B]: 0 }, [fork(B, 0)]])
    expect(state(whole, change({ [A]: 2 }, fork(B, 0))).forks).toEqual({ [B]: 0 })
  })
  test('is heard in another log of the device that was a member, unless that begins with a succeed', () => {
    const forks = (...first: Array<ReturnType<typeof succeed>>) =>
      oracle(
        world({
          [A]: [...expelled, change({}, add(D)), change({}, remove(D, 0))],
          [B]: [one, write({}, [])],
          [D]: [change({ [A]: 3 }, ...first, fork(B, 0))]
        })
      ).forks
    expect(forks()).toEqual({ [B]: 0 })
    expect(forks(succeed(B))).toEqual({})
  })
})

describe('beyond 512 members', () => {
  const many = Array.from({ length: 512 }, (_, place) => place.toString(16).padStart(64, '0'))

  test('a successor is none, but what it carries beside was walked', () => {
    const logs = (joined: string[]) => ({
      [A]: [genesis(joined)],
      [X]: [change({ [A]: 1 }, succeed(A), remove(joined[0] as string, 0)), write({}, [assign([], 'x')])]
    })
    const room = oracle(world(logs(many.slice(0, 510))))
    expect([room.members.length, memberOf(room, X)?.previous, shown(room)]).toEqual([512, A, 'x'])
    const full = oracle(world(logs(many.slice(0, 511))))
    expect([full.members.length, memberOf(full, X), shown(full)]).toEqual([512, undefined, undefined])
    expect(memberOf(full, many[0] as string)).toMatchObject({ cutOff: 0, removed: true })
    expect(full.waiting).toEqual({ [X]: 2 })
  })
  test('an add does nothing, but one of a member admits it', () => {
    const state = oracle(
      world({ [A]: [genesis(many.slice(0, 511)), change({}, remove(many[0] as string, 0), add(X))] })
    )
    expect([state.members.length, memberOf(state, X)]).toEqual([512, undefined])
  })
  test('one that is a member already is put into the line', () => {
    const state = oracle(
      world({ [A]: [genesis([X, ...many.slice(0, 510)])], [X]: [change({ [A]: 1 }, succeed(A))] })
    )
    expect([state.members.length, previousOf(state, X)]).toEqual([512, A])
  })
})
