import { describe, expect, test } from 'vitest'
import {
  A,
  add,
  assign,
  B,
  bytes,
  C,
  change,
  D,
  doc,
  genesis,
  K,
  L,
  remove,
  rows,
  shown,
  text,
  unset,
  world,
  write
} from './build.ts'
import { canonicalJson } from './canonical-json.ts'
import { oracle } from './oracle.ts'
import { putOperations } from './put.ts'
import type { Operation, Value } from './types.ts'

/** A and B are members, A has written `value` at block 1 and B has seen it: both continue from here. */
const start = (value: unknown, options = {}) => [genesis([B, C], options), write({}, [assign([], value)])]
const sawStart = { [A]: 2 }

describe('canonical JSON', () => {
  test('orders fields by their quoted names, so that the closing quote takes part', () => {
    expect(canonicalJson({ a: 1, 'a!': 2, 'a#': 3, b: 4 })).toBe('{"a!":2,"a":1,"a#":3,"b":4}')
  })
  test('orders integer-like names as text', () => {
    expect(canonicalJson({ 2: 0, 10: 0, 1: 0 })).toBe('{"1":0,"10":0,"2":0}')
  })
  test('keeps __proto__ as an ordinary name, at any depth', () => {
    const json = '{"__proto__":{"__proto__":1},"constructor":2}'
    expect(canonicalJson(JSON.parse(json))).toBe(json)
  })
  test('writes lone surrogates as escapes and orders by them', () => {
    const value = { '\ud800': '\udc00', é: 1, '𝄞': 2 }
    expect(canonicalJson(value)).toBe('{"\\ud800":"\\udc00","é":1,"𝄞":2}')
  })
  test('prints numbers as JSON.stringify does, -0 as 0', () => {
    expect(canonicalJson(JSON.parse('[-0, 1.0, 1e21, 1e-7, 100, 0.1]'))).toBe('[0,1,1e+21,1e-7,100,0.1]')
  })
  test('keeps the order of arrays, orders objects in them', () => {
    expect(canonicalJson([{ b: 1, a: 2 }, [], {}, null, false, ''])).toBe(
      '[{"a":2,"b":1},[],{},null,false,""]'
    )
  })
})

describe('fields', () => {
  test('edits of different fields both live', () => {
    const state = oracle(
      world({
        [A]: [...start({ f: 0, g: 0 }), write({}, [assign(['f'], 1)])],
        [B]: [write(sawStart, [assign(['g'], 2)])]
      })
    )
    expect(shown(state)).toEqual({ f: 1, g: 2 })
    expect(rows(state)).toEqual([])
  })
  test('of edits of one field the greater time is shown, the other is a conflict', () => {
    const state = oracle(
      world({
        [A]: [...start({ f: 0 }), write({}, [assign(['f'], 1)], { ms: 5000 })],
        [B]: [write(sawStart, [assign(['f'], 2)], { ms: 4999 })]
      })
    )
    expect(shown(state)).toEqual({ f: 1 })
    expect(state.conflicts(K)).toEqual([
      { path: ['f'], value: doc(2), deleted: false, writer: B, ms: 4999, counter: 0 }
    ])
  })
  test('equal milliseconds are decided by the counter', () => {
    const state = oracle(
      world({
        [A]: [...start({ f: 0 }), write({}, [assign(['f'], 1)], { counter: 11 })],
        [B]: [write(sawStart, [assign(['f'], 2)], { counter: 9 })]
      })
    )
    expect(shown(state)).toEqual({ f: 1 })
  })
  test('equal times are decided by the writer key, to its last byte', () => {
    const state = oracle(
      world({
        [A]: [...start({ f: 0 }), write({}, [assign(['f'], 1)])],
        [B]: [write(sawStart, [assign(['f'], 2)])]
      })
    )
    expect(shown(state)).toEqual({ f: 2 })
    expect(rows(state)).toEqual([['f', 1, A]])
  })
  test('two entries created at the same time with different fields have both', () => {
    const state = oracle(
      world({
        [A]: [genesis([B]), write({}, [assign([], { f: 1, g: 1 })], { ms: 2000 })],
        [B]: [write({ [A]: 1 }, [assign([], { g: 2 })])]
      })
    )
    expect(shown(state)).toEqual({ f: 1, g: 1 })
    expect(rows(state)).toEqual([['g', 2, B]])
  })
  test('two devices that drop different fields end with {}', () => {
    const state = oracle(
      world({
        [A]: [...start({ f: 0, g: 0 }), write({}, [unset(['f'])])],
        [B]: [write(sawStart, [unset(['g'])])]
      })
    )
    expect(shown(state)).toEqual({})
    expect(rows(state)).toEqual([])
  })
  test('falsy values are values', () => {
    const state = oracle(world({ [A]: start({ a: 0, b: '', c: false, d: null, e: [] }) }))
    expect(shown(state)).toEqual({ a: 0, b: '', c: false, d: null, e: [] })
  })
  test('__proto__, the empty name and / are names', () => {
    const json = '{"":{"/":1},"__proto__":{"__proto__":2}}'
    const state = oracle(
      world({
        [A]: [
          genesis([]),
          write({}, [{ type: 'assign', key: K, path: [], value: text(json) }]),
          write({}, [{ type: 'assign', key: K, path: ['__proto__', '__proto__'], value: doc(3) }])
        ]
      })
    )
    expect(state.entries.get(K)).toEqual(text('{"":{"/":1},"__proto__":{"__proto__":3}}'))
  })
  test('an array is one leaf', () => {
    const state = oracle(
      world({
        [A]: [...start({ a: [1] }), write({}, [assign(['a'], [1, { x: 1 }])])],
        [B]: [write(sawStart, [assign(['a'], [1, { y: 1 }])])]
      })
    )
    expect(shown(state)).toEqual({ a: [1, { y: 1 }] })
    expect(rows(state)).toEqual([['a', [1, { x: 1 }], A]])
  })
  test('opaque bytes are one leaf beside documents', () => {
    const put = (value: Value): Operation => ({ type: 'assign', key: K, path: [], value })
    const state = oracle(
      world({
        [A]: [genesis([B, C]), write({}, [put(bytes('00ff'))])],
        [B]: [write({ [A]: 1 }, [put(bytes('00'))])],
        [C]: [write({ [A]: 1 }, [put(doc({ a: 1 }))], { ms: 1 })]
      })
    )
    expect(shown(state)).toEqual({ kind: 'opaque', hex: '00' })
    expect(rows(state)).toEqual([
      ['', '00ff', A],
      ['', { a: 1 }, C]
    ])
  })
  test('entries do not touch each other', () => {
    const state = oracle(
      world({
        [A]: [
          ...start(1),
          write({}, [{ type: 'assign', key: L, path: [], value: doc(2) }]),
          write({}, [unset([])])
        ]
      })
    )
    expect([...state.entries]).toEqual([[L, doc(2)]])
  })
})

describe('causality', () => {
  test('an edit made after seeing a value beats it, whatever the clocks', () => {
    const state = oracle(
      world({
        [A]: start({ f: 0 }),
        [B]: [write(sawStart, [assign(['f'], 1)], { ms: -5_000_000 })]
      })
    )
    expect(shown(state)).toEqual({ f: 1 })
    expect(rows(state)).toEqual([])
  })
  test('what no one has overwritten remains, when pairwise comparison would go round in a circle', () => {
    // A < B by sight, B < C by time, C < A by time: only the removal by sight counts, so B and C remain.
    const state = oracle(
      world({
        [A]: [genesis([B, C]), write({}, [assign([], 'a')], { ms: 9000 })],
        [B]: [write({ [A]: 2 }, [assign([], 'b')], { ms: 1 })],
        [C]: [write({ [A]: 1 }, [assign([], 'c')], { ms: 5000 })]
      })
    )
    expect(shown(state)).toBe('c')
    expect(rows(state)).toEqual([['', 'b', B]])
  })
  test('removal does not depend on whether the remover remains', () => {
    // C has seen B, not A: B is gone, and A, which B had seen, stays gone.
    const state = oracle(
      world({
        [A]: [genesis([B, C]), write({}, [assign([], 'a')], { ms: 9000 })],
        [B]: [write({ [A]: 2 }, [assign([], 'b')])],
        [C]: [write({ [A]: 1, [B]: 1 }, [assign([], 'c')], { ms: 1 })]
      })
    )
    expect(shown(state)).toBe('c')
    expect(rows(state)).toEqual([])
  })
  test('time never goes back inside one log', () => {
    const state = oracle(
      world({
        [A]: [
          genesis([B]),
          write({}, [assign(['f'], 1)], { ms: 3000, counter: 4 }),
          write({}, [assign(['g'], 1)], { ms: 10 })
        ],
        [B]: [write({ [A]: 1 }, [assign(['g'], 2)], { ms: 2999 })]
      })
    )
    expect(shown(state)).toEqual({ f: 1, g: 1 })
    expect(state.history.map(({ writer, seq, ms, counter }) => [writer, seq, ms, counter])).toEqual([
      [B, 0, 2999, 0],
      [A, 1, 3000, 4],
      [A, 2, 3000, 4]
    ])
  })
  test('operations of one transaction have not seen each other', () => {
    const state = oracle(
      world({ [A]: [genesis([]), write({}, [assign(['f'], 2), assign(['f'], 1), unset(['f'])])] })
    )
    expect(shown(state)).toEqual({ f: 1 })
    expect(rows(state)).toEqual([
      ['f', 'deleted', A],
      ['f', 2, A]
    ])
  })
  test('an operation based on an older read removes only what that read had seen', () => {
    const state = oracle(
      world({
        [A]: [...start({ f: 0 }), write({}, [assign(['f'], 1)])],
        [B]: [write({ [A]: 3 }, [assign(['f'], 2, { [A]: 2 })])]
      })
    )
    expect(shown(state)).toEqual({ f: 2 })
    expect(rows(state)).toEqual([['f', 1, A]])
  })
  test('a base older than an own put leaves that put as an alternative', () => {
    const state = oracle(
      world({
        [A]: [
          genesis([]),
          write({}, [assign([], 1)]),
          write({}, [assign([], 2)]),
          write({}, [assign([], 3, { [A]: 2 })])
        ]
      })
    )
    expect(shown(state)).toBe(3)
    expect(rows(state)).toEqual([['', 2, A]])
  })
  test('a lowered seen never reaches past the context', () => {
    const state = oracle(
      world({
        [A]: start('a'),
        [B]: [write({ [A]: 1 }, [assign([], 'b', { [A]: 9 })])]
      })
    )
    expect(rows(state)).toEqual([['', 'a', A]])
  })
  test('the index in a dot counts through the whole transaction', () => {
    const state = oracle(
      world({ [A]: [genesis([]), write({}, [assign(['x'], 1), assign(['y'], 2)], { length: 3 })] })
    )
    expect(state.history.map(({ seq, index }) => [seq, index])).toEqual([
      [1, 0],
      [1, 1]
    ])
    expect(state.applied).toEqual({ [A]: 4 })
  })
})

describe('deletes', () => {
  test('del removes what was seen, and the entry is absent', () => {
    const state = oracle(world({ [A]: [...start({ f: 0 }), write({}, [unset([])])] }))
    expect(shown(state)).toBeUndefined()
    expect(rows(state)).toEqual([])
  })
  test('a concurrent edit survives a delete, which is reported', () => {
    const state = oracle(
      world({
        [A]: [...start({ f: 0, g: 0 }), write({}, [assign(['f'], 1)])],
        [B]: [write(sawStart, [unset([])], { ms: 9000 })]
      })
    )
    expect(shown(state)).toEqual({ f: 1 })
    expect(state.conflicts(K)).toEqual([
      { path: [], value: null, deleted: true, writer: B, ms: 9000, counter: 0 }
    ])
  })
  test('with deleteWins a delete beats the concurrent edit, and is no conflict', () => {
    const state = oracle(
      world({
        [A]: [...start({ f: 0, g: 0 }, { deleteWins: true }), write({}, [assign(['f'], 1)], { ms: 9000 })],
        [B]: [write(sawStart, [unset([])])]
      })
    )
    expect(shown(state)).toBeUndefined()
    expect(rows(state)).toEqual([])
  })
  test('with deleteWins an edit made after seeing the delete lives', () => {
    const state = oracle(
      world({
        [A]: [...start({ f: 0 }, { deleteWins: true }), write({ [B]: 1 }, [assign([], { f: 1 })])],
        [B]: [write(sawStart, [unset([])], { ms: 9000 })]
      })
    )
    expect(shown(state)).toEqual({ f: 1 })
  })
  test('with deleteWins a delete beats what is not after it also when its tombstone is gone', () => {
    const state = oracle(
      world({
        [A]: [...start(0, { deleteWins: true }), write({ [B]: 1 }, [assign([], 'after')])],
        [B]: [write(sawStart, [unset([])])],
        [C]: [write(sawStart, [assign([], 'beside')], { ms: 9000 })]
      })
    )
    expect(shown(state)).toBe('after')
    expect(state.remaining(K).map(({ kind }) => kind)).toEqual(['leaf'])
    expect(rows(state)).toEqual([])
  })
  test('with deleteWins an unset of a field spares what is above and beside it', () => {
    const state = oracle(
      world({
        [A]: [genesis([B], { deleteWins: true }), write({}, [assign([], { f: 1, g: 1 })])],
        [B]: [write({ [A]: 1 }, [unset(['f'])])]
      })
    )
    expect(shown(state)).toEqual({ g: 1 })
  })
  test('an edit made after seeing the delete ends the conflict', () => {
    const state = oracle(
      world({
        [A]: [...start({ f: 0 }), write({}, [assign(['f'], 1)]), write({ [B]: 1 }, [assign(['f'], 2)])],
        [B]: [write(sawStart, [unset([])])]
      })
    )
    expect(shown(state)).toEqual({ f: 2 })
    expect(rows(state)).toEqual([])
  })
  test('an edit of another field made after seeing the delete does not end it', () => {
    const state = oracle(
      world({
        [A]: [...start({ f: 0 }), write({}, [assign(['f'], 1)]), write({ [B]: 1 }, [assign(['g'], 2)])],
        [B]: [write(sawStart, [unset([])])]
      })
    )
    expect(shown(state)).toEqual({ f: 1, g: 2 })
    expect(rows(state)).toEqual([['', 'deleted', B]])
  })
  test('of several deletes that were not seen the greatest is reported, once per path', () => {
    const state = oracle(
      world({
        [A]: [...start({ f: 0 }), write({}, [assign(['f'], 1)])],
        [B]: [write(sawStart, [unset([])], { ms: 3000 })],
        [C]: [write(sawStart, [unset([])], { ms: 2000 })]
      })
    )
    expect(rows(state)).toEqual([['', 'deleted', B]])
  })
  test('a delete that was seen by another delete leaves no trace', () => {
    const state = oracle(
      world({
        [A]: [...start({ f: 0 }), write({}, [assign(['f'], 1)])],
        [B]: [write(sawStart, [unset(['f'])], { ms: 3000 })],
        [C]: [write({ ...sawStart, [B]: 1 }, [unset([])], { ms: 2000 })]
      })
    )
    expect(rows(state)).toEqual([['', 'deleted', C]])
  })
  test('a delete of a field stays reported when an operation below it has not seen it', () => {
    const state = oracle(
      world({
        [A]: [...start({ f: { x: 0 } }), write({}, [assign(['f', 'x'], 1)])],
        [B]: [write(sawStart, [unset(['f'])])]
      })
    )
    expect(shown(state)).toEqual({ f: { x: 1 } })
    expect(rows(state)).toEqual([['f', 'deleted', B]])
  })
  test('an unset removes tombstones below it, not above it', () => {
    const state = oracle(
      world({
        [A]: [genesis([B]), write({}, [unset([])]), write({}, [unset(['f', 'x'])]), write({}, [unset(['f'])])]
      })
    )
    expect(state.remaining(K).map(({ kind, path }) => [kind, path])).toEqual([
      ['tombstone', []],
      ['tombstone', ['f']]
    ])
  })
})

describe('maps', () => {
  test('a marker keeps an empty map; a delete of the map takes the marker', () => {
    const kept = world({ [A]: [...start({ m: { x: 1 } }), write({}, [unset(['m', 'x'])])] })
    expect(shown(oracle(kept))).toEqual({ m: {} })
    const gone = world({ [A]: [...start({ m: { x: 1 } }), write({}, [unset(['m'])])] })
    expect(shown(oracle(gone))).toEqual({})
  })
  test('a map without a marker lives as long as something is shown below it', () => {
    const put = write({}, [assign(['m', 'x'], 1)])
    expect(shown(oracle(world({ [A]: [genesis([]), put] })))).toEqual({ m: { x: 1 } })
    expect(shown(oracle(world({ [A]: [genesis([]), put, write({}, [unset(['m', 'x'])])] })))).toBeUndefined()
  })
  test('a map without its marker goes when two devices drop its last two fields', () => {
    const state = oracle(
      world({
        [A]: [
          ...start({ f: 0, g: 0 }),
          write({}, [assign(['f'], 1), assign(['g'], 1)]),
          write({ [B]: 1 }, [unset(['f'])])
        ],
        [B]: [write(sawStart, [unset([])]), write({ [A]: 3 }, [unset(['g'])])]
      })
    )
    expect(shown(state)).toBeUndefined()
  })
  test('an edit below a deleted map brings the map back without its old fields', () => {
    const state = oracle(
      world({
        [A]: [...start({ m: { x: 1, y: 1 } }), write({}, [unset(['m'])])],
        [B]: [write(sawStart, [assign(['m', 'x'], 2)])]
      })
    )
    expect(shown(state)).toEqual({ m: { x: 2 } })
  })
  test('a map that replaces a map removes what was seen at and below it', () => {
    const state = oracle(
      world({
        [A]: [...start({ m: { x: 1, y: 1 } }), write({}, [assign(['m'], { z: 1 })])],
        [B]: [write(sawStart, [assign(['m', 'x'], 2)])]
      })
    )
    expect(shown(state)).toEqual({ m: { x: 2, z: 1 } })
  })
  test('a leaf put over a map removes it; a field put below a leaf removes that', () => {
    const over = world({ [A]: [...start({ m: { x: 1 } }), write({}, [assign(['m'], 1)])] })
    expect(shown(oracle(over))).toEqual({ m: 1 })
    const under = world({ [A]: [...start({ m: 1 }), write({}, [assign(['m', 'x'], 2)])] })
    expect(shown(oracle(under))).toEqual({ m: { x: 2 } })
    expect(rows(oracle(under))).toEqual([])
  })
  test('an unset below a leaf that lost removes that leaf too', () => {
    const state = oracle(
      world({
        [A]: [...start({ m: { x: 1, y: 1 } }), write({}, [assign(['m', 'x'], 2)], { ms: 5000 })],
        [B]: [write(sawStart, [assign(['m'], 'leaf')], { ms: 4000 })],
        [C]: [write({ [A]: 3, [B]: 1 }, [unset(['m', 'x'])])]
      })
    )
    expect(shown(state)).toEqual({})
    expect(state.remaining(K).map(({ kind, path }) => [kind, path])).toEqual([
      ['marker', []],
      ['tombstone', ['m', 'x']]
    ])
  })
  test('a leaf against a map: the map counts as its greatest dot below', () => {
    const logs = (ms: number) =>
      world({
        [A]: [...start({ m: { x: 1 } }), write({}, [assign(['m', 'x'], 2)], { ms: 5000 })],
        [B]: [write(sawStart, [assign(['m'], 'leaf')], { ms })]
      })
    expect(shown(oracle(logs(4000)))).toEqual({ m: { x: 2 } })
    expect(rows(oracle(logs(4000)))).toEqual([['m', 'leaf', B]])
    expect(shown(oracle(logs(6000)))).toEqual({ m: 'leaf' })
    expect(oracle(logs(6000)).conflicts(K)).toEqual([
      { path: ['m'], value: doc({ x: 2 }), deleted: false, writer: A, ms: 5000, counter: 0 }
    ])
  })
  test('a map also counts as its marker, and as what is below a leaf that is shown inside it', () => {
    const state = oracle(
      world({
        [A]: [genesis([B, C]), write({}, [assign([], {})], { ms: 5000 })],
        [B]: [write({ [A]: 1 }, [assign([], 'leaf')], { ms: 4000 })]
      })
    )
    expect(shown(state)).toEqual({})
    const inside = oracle(
      world({
        [A]: [genesis([B, C]), write({}, [assign(['m', 'x'], 1)], { ms: 5000 })],
        [B]: [write({ [A]: 1 }, [assign([], 'leaf')], { ms: 4000 })],
        [C]: [write({ [A]: 1 }, [assign(['m'], 'inner')], { ms: 3000 })]
      })
    )
    expect(shown(inside)).toEqual({ m: { x: 1 } })
    expect(rows(inside)).toEqual([
      ['', 'leaf', B],
      ['m', 'inner', C]
    ])
  })
  test('a map counts as its marker also when there are older fields below', () => {
    const state = oracle(
      world({
        [A]: [genesis([B, C]), write({}, [assign(['x'], 1)])],
        [B]: [write({ [A]: 1 }, [assign([], 'leaf')], { ms: 4000 })],
        [C]: [write({ [A]: 1 }, [assign([], {})], { ms: 5000 })]
      })
    )
    expect(shown(state)).toEqual({ x: 1 })
    expect(rows(state)).toEqual([['', 'leaf', B]])
  })
  test('paths inside a map that lost are not walked', () => {
    const state = oracle(
      world({
        [A]: [genesis([B, C]), write({}, [assign(['m', 'x'], 1)], { ms: 2000 })],
        [B]: [write({ [A]: 1 }, [assign(['m', 'x'], 2)], { ms: 3000 })],
        [C]: [write({ [A]: 1 }, [assign(['m'], 'leaf')], { ms: 4000 })]
      })
    )
    expect(shown(state)).toEqual({ m: 'leaf' })
    expect(rows(state)).toEqual([['m', { x: 2 }, B]])
  })
})

describe('conflicts', () => {
  test('equal values are no conflict: three devices import one entry', () => {
    const put = write({ [A]: 1 }, [assign([], { name: 'Ada', tags: ['x'] })])
    const state = oracle(world({ [A]: [genesis([B, C]), put], [B]: [put], [C]: [put] }))
    expect(rows(state)).toEqual([])
  })
  test('of equal alternatives the greatest counts', () => {
    const put = (value: unknown, ms: number) => write({ [A]: 1 }, [assign(['f'], value)], { ms })
    const state = oracle(
      world({
        [A]: [genesis([B, C, D]), put('same', 2000)],
        [B]: [put('same', 3000)],
        [C]: [put('won', 4000)],
        [D]: [put('won', 1000)]
      })
    )
    expect(rows(state)).toEqual([['f', 'same', B]])
  })
  test('a map equal to nothing else is an alternative to a leaf, with the value it would show', () => {
    const put = (path: string[], value: unknown, ms: number) =>
      write({ [A]: 1 }, [assign(path, value)], { ms })
    const state = oracle(
      world({
        [A]: [genesis([B, C]), put(['x'], 1, 2000)],
        [B]: [put(['y'], 1, 3000)],
        [C]: [put([], [], 4000)]
      })
    )
    expect(rows(state)).toEqual([['', { x: 1, y: 1 }, B]])
  })
  test('are ordered by path, a prefix first, names by their quoted text, then the greatest', () => {
    const put = (value: unknown, ms: number) =>
      write({ [A]: 1 }, [assign(['a'], value), assign(['a!'], value), assign(['b', 'x'], value)], { ms })
    const state = oracle(
      world({
        [A]: [genesis([B, C, D]), put(1, 9000)],
        [B]: [put(2, 2000)],
        [C]: [put(3, 3000)],
        [D]: [write({ [A]: 1 }, [assign(['b'], 'leaf')], { ms: 1000 })]
      })
    )
    expect(rows(state)).toEqual([
      ['a!', 3, C],
      ['a!', 2, B],
      ['a', 3, C],
      ['a', 2, B],
      ['b', 'leaf', D],
      ['b.x', 3, C],
      ['b.x', 2, B]
    ])
  })
  test('a resolve, an assign after all were seen, leaves none at its path', () => {
    const put = (value: unknown) => write({ [A]: 1 }, [assign(['f'], value)])
    const state = oracle(
      world({
        [A]: [genesis([B, C]), put(1), write({ [B]: 1, [C]: 1 }, [assign(['f'], 2)])],
        [B]: [put(2)],
        [C]: [put(3)]
      })
    )
    expect(shown(state)).toEqual({ f: 2 })
    expect(rows(state)).toEqual([])
  })
})

describe('a put', () => {
  const put = (from: Value | null, to: Value, marked = true) => putOperations(K, from, to, () => marked)
  test('of the same value writes nothing', () => {
    expect(put(text('{"b":[1],"a":{"c":-0}}'), text('{"a":{"c":0},"b":[1]}'))).toEqual([])
    expect(put(bytes('00'), bytes('00'))).toEqual([])
  })
  test('assigns what is new or changed and unsets what vanished', () => {
    expect(put(doc({ a: 1, b: 2, m: { x: 1, y: 1 } }), doc({ a: 1, c: 3, m: { x: 2, y: 1 } }))).toEqual([
      unset(['b']),
      assign(['c'], 3),
      assign(['m', 'x'], 2)
    ])
  })
  test('of {} over a map unsets its fields, or is assigned when the map has no marker', () => {
    expect(put(doc({ a: 1 }), doc({}))).toEqual([unset(['a'])])
    expect(put(doc({ a: 1 }), doc({}), false)).toEqual([assign([], {})])
    expect(put(doc({ m: { a: 1 } }), doc({ m: {} }), false)).toEqual([assign(['m'], {})])
  })
  test('assigns where a leaf meets a map or an opaque value', () => {
    expect(put(doc([]), doc({}))).toEqual([assign([], {})])
    expect(put(doc({ m: {} }), doc({ m: null }))).toEqual([assign(['m'], null)])
    expect(put(bytes('00'), doc(1))).toEqual([assign([], 1)])
    expect(put(null, doc({}))).toEqual([assign([], {})])
  })
})

describe('waiting', () => {
  test('a transaction waits for what its author had seen', () => {
    const logs = {
      [A]: [genesis([B, C])],
      [B]: [write({ [A]: 1 }, [assign([], 'b')])],
      [C]: [write({ [A]: 1, [B]: 2 }, [assign([], 'c')]), write({}, [assign(['f'], 1)], { length: 2 })]
    }
    const state = oracle(world(logs))
    expect(shown(state)).toBe('b')
    expect(state.applied).toEqual({ [A]: 1, [B]: 1 })
    expect(state.waiting).toEqual({ [C]: 3 })
    expect(oracle(world({ ...logs, [B]: [...(logs[B] ?? []), write({}, [])] })).waiting).toEqual({})
  })
  test('blocks in the middle of a chain are there when the chain is', () => {
    const state = oracle(
      world({
        [A]: [genesis([B, C])],
        [B]: [write({ [A]: 1 }, [assign([], 'b')], { length: 3 })],
        [C]: [write({ [A]: 1, [B]: 2 }, [assign([], 'c')])]
      })
    )
    expect(state.applied).toEqual({ [A]: 1, [B]: 3, [C]: 1 })
    expect(rows(state)).toEqual([])
  })
  test('without the genesis nothing is applied', () => {
    const state = oracle(world({ [B]: [write({}, [assign([], 'b')])] }))
    expect(state.members).toEqual([{ writer: A, name: '', cutOff: null, removed: false, previous: null }])
    expect(state.waiting).toEqual({ [B]: 1 })
    expect(state.entries.size).toBe(0)
  })
  test('what a stranger writes waits, and nobody waits for a stranger', () => {
    const state = oracle(
      world({
        [A]: [genesis([]), write({ [D]: 7 }, [assign([], 'a')])],
        [D]: [write({ [A]: 1 }, [assign([], 'd')])]
      })
    )
    expect(shown(state)).toBe('a')
    expect(state.waiting).toEqual({ [D]: 1 })
  })
  test('two transactions that wait for each other wait for ever', () => {
    const state = oracle(
      world({
        [A]: [genesis([B, C])],
        [B]: [write({ [A]: 1, [C]: 1 }, [])],
        [C]: [write({ [A]: 1, [B]: 1 }, [])]
      })
    )
    expect(state.waiting).toEqual({ [B]: 1, [C]: 1 })
  })
  test('a claim on a writer nobody had let in is read as nothing, also when that writer is added later', () => {
    const claim = write({ [A]: 1, [D]: 5 }, [assign([], 'b')])
    const before = oracle(world({ [A]: [genesis([B])], [B]: [claim] }))
    expect(before.applied).toEqual({ [A]: 1, [B]: 1 })
    const after = oracle(world({ [A]: [genesis([B]), change({}, add(D))], [B]: [claim] }))
    expect(after.applied).toEqual({ [A]: 2, [B]: 1 })
  })
  test('who has seen such a claim is not held up by it either', () => {
    const claim = { [B]: [write({ [A]: 1, [D]: 1_000_000 }, [])], [C]: [write({ [A]: 1, [B]: 1 }, [])] }
    const state = oracle(world({ [A]: [genesis([B, C]), change({ [B]: 1, [C]: 1 }, add(D))], ...claim }))
    expect(state.applied).toEqual({ [A]: 2, [B]: 1, [C]: 1 })
  })
  test('a claim that knows the add waits for the blocks, alone', () => {
    const claim = { [B]: [write({ [A]: 2, [D]: 1_000_000 }, [])], [C]: [write({ [A]: 2 }, [])] }
    const state = oracle(world({ [A]: [genesis([B, C]), change({}, add(D))], ...claim }))
    expect(state.applied).toEqual({ [A]: 2, [C]: 1 })
    expect(state.waiting).toEqual({ [B]: 1 })
  })
  test('any walked add admits, not only the one that came first', () => {
    const state = oracle(
      world({
        [A]: [genesis([B, C]), change({}, add(D))],
        [B]: [change({ [A]: 1 }, add(D))],
        [C]: [write({ [A]: 1, [B]: 1, [D]: 1 }, [])]
      })
    )
    expect(state.waiting).toEqual({ [C]: 1 })
  })
})

describe('membership', () => {
  const cutOffs = (state: ReturnType<typeof oracle>) =>
    state.members.map(({ writer, cutOff }) => [writer, cutOff])

  test('members stand in order of joining, with the name of their first add', () => {
    const state = oracle(
      world({ [A]: [genesis([]), change({}, add(C, 'c'), add(B, 'b')), change({}, add(C, 'again'))] })
    )
    expect(state.members).toEqual([
      { writer: A, name: 'creator', cutOff: null, removed: false, previous: null },
      { writer: C, name: 'c', cutOff: null, removed: false, previous: null },
      { writer: B, name: 'b', cutOff: null, removed: false, previous: null }
    ])
  })
  test('operations past the cut-off count nowhere, and what they removed is back', () => {
    const state = oracle(
      world({
        [A]: [...start({ f: 0 }), change({ [B]: 2 }, remove(B, 1))],
        [B]: [write(sawStart, [assign(['g'], 1)]), write({}, [unset([])], { length: 2 })]
      })
    )
    expect(shown(state)).toEqual({ f: 0, g: 1 })
    expect(state.applied).toEqual({ [A]: 3, [B]: 1 })
    expect(state.quarantined).toEqual({ [B]: 2 })
    expect(state.history.some(({ seq, writer }) => writer === B && seq === 1)).toBe(false)
  })
  test('below the cut-off a transaction may still wait', () => {
    const state = oracle(
      world({
        [A]: [genesis([B, C]), change({}, remove(B, 1))],
        [B]: [write({ [A]: 1, [C]: 1 }, []), write({}, [])]
      })
    )
    expect([state.waiting, state.quarantined]).toEqual([{ [B]: 1 }, { [B]: 1 }])
  })
  test('a chain that straddles the cut-off counts', () => {
    const state = oracle(
      world({
        [A]: [genesis([B]), change({}, remove(B, 2))],
        [B]: [write({}, [assign([], 1)]), write({}, [assign([], 2)], { length: 3 })]
      })
    )
    expect(shown(state)).toBe(2)
    expect(state.applied).toEqual({ [A]: 2, [B]: 4 })
  })
  test('a context that reaches past a cut-off waits only for what is below it', () => {
    const state = oracle(
      world({
        [A]: [genesis([B, C]), change({}, remove(B, 1))],
        [B]: [write({ [A]: 1 }, [assign([], 'b')]), write({}, [])],
        [C]: [write({ [A]: 1, [B]: 5 }, [assign([], 'c')])]
      })
    )
    expect(state.applied).toEqual({ [A]: 2, [B]: 1, [C]: 1 })
  })
  test('what was seen of a writer counts only if its add was seen', () => {
    const state = oracle(
      world({
        [A]: [genesis([C]), change({}, add(D))],
        [D]: [write({ [A]: 1 }, [assign([], 'd')], { ms: 9000 })],
        [C]: [write({ [A]: 1, [D]: 1 }, [assign([], 'c')])]
      })
    )
    expect(shown(state)).toBe('d')
  })
  test('of several cut-offs the lowest counts', () => {
    const state = oracle(
      world({
        [A]: [genesis([B, C]), change({}, remove(B, 2)), change({}, remove(B, 1)), change({}, remove(B, 3))],
        [B]: [write({}, []), write({}, []), write({}, [])]
      })
    )
    expect(cutOffs(state)).toEqual([
      [A, null],
      [B, 1],
      [C, null]
    ])
  })
  test('a removed writer never returns', () => {
    const state = oracle(
      world({
        [A]: [genesis([B]), change({}, remove(B, 0), add(B)), change({}, add(B))],
        [B]: [write({}, [])]
      })
    )
    expect(cutOffs(state)).toEqual([
      [A, null],
      [B, 0]
    ])
    expect(state.quarantined).toEqual({ [B]: 1 })
  })
  test('a removal of a stranger counts should it join', () => {
    const state = oracle(world({ [A]: [genesis([]), change({}, remove(B, 0)), change({}, add(B))] }))
    expect(cutOffs(state)).toEqual([
      [A, null],
      [B, 0]
    ])
  })
  test('an add by a stranger does nothing, and counts once its author is a member', () => {
    const stranger = { [B]: [change({}, add(C))] }
    expect(cutOffs(oracle(world({ [A]: [genesis([])], ...stranger })))).toEqual([[A, null]])
    expect(cutOffs(oracle(world({ [A]: [genesis([]), change({}, add(B))], ...stranger })))).toEqual([
      [A, null],
      [B, null],
      [C, null]
    ])
  })
  test('an add counts although the adder is removed later, even when it is past the cut-off', () => {
    const state = oracle(
      world({
        [A]: [genesis([B]), change({ [B]: 1 }, remove(B, 0))],
        [B]: [change({ [A]: 1 }, add(C))],
        [C]: [write({ [A]: 1, [B]: 1 }, [assign([], 'c')])]
      })
    )
    expect(cutOffs(state)).toEqual([
      [A, null],
      [B, 0],
      [C, null]
    ])
    expect(shown(state)).toBe('c')
    expect(state.quarantined).toEqual({ [B]: 1 })
  })
  test('an add that is concurrent with the removal of a junior adder does not count', () => {
    const state = oracle(
      world({
        [A]: [genesis([B]), change({}, remove(B, 0))],
        [B]: [change({ [A]: 1 }, add(C))],
        [C]: [write({ [A]: 1 }, [])]
      })
    )
    expect(cutOffs(state)).toEqual([
      [A, null],
      [B, 0]
    ])
    expect(state.waiting).toEqual({ [C]: 1 })
  })
  test('of two that remove each other the one that joined first stays', () => {
    const state = oracle(
      world({
        [A]: [genesis([C, B])],
        [B]: [change({ [A]: 1 }, remove(C, 0))],
        [C]: [change({ [A]: 1 }, remove(B, 0))]
      })
    )
    expect(cutOffs(state)).toEqual([
      [A, null],
      [C, null],
      [B, 0]
    ])
  })
  test('both go when the removal honours the other removal', () => {
    const state = oracle(
      world({
        [A]: [genesis([C, B])],
        [B]: [change({ [A]: 1 }, remove(C, 0))],
        [C]: [change({ [A]: 1 }, remove(B, 1))]
      })
    )
    expect(cutOffs(state)).toEqual([
      [A, null],
      [C, 0],
      [B, 1]
    ])
    expect(state.quarantined).toEqual({ [C]: 1 })
  })
  test('the owner key ranks before the order of joining', () => {
    const state = oracle(
      world({
        [A]: [genesis([C, B], { ownerKey: B })],
        [B]: [change({ [A]: 1 }, remove(C, 0))],
        [C]: [change({ [A]: 1 }, remove(B, 0))]
      })
    )
    expect(cutOffs(state)).toEqual([
      [A, null],
      [C, 0],
      [B, null]
    ])
  })
  test('the owner can remove the creator', () => {
    const state = oracle(
      world({
        [A]: [genesis([B], { ownerKey: B }), change({}, remove(B, 0))],
        [B]: [change({ [A]: 1 }, remove(A, 1))]
      })
    )
    expect(cutOffs(state)).toEqual([
      [A, 1],
      [B, null]
    ])
  })
  test('in a circle of removals the best ranked frees whom its victim would have removed', () => {
    // B removes C, C removes D, D removes B.
    const state = oracle(
      world({
        [A]: [genesis([B, C, D])],
        [B]: [change({ [A]: 1 }, remove(C, 0))],
        [C]: [change({ [A]: 1 }, remove(D, 0))],
        [D]: [change({ [A]: 1 }, remove(B, 1))]
      })
    )
    expect(cutOffs(state)).toEqual([
      [A, null],
      [B, 1],
      [C, 0],
      [D, null]
    ])
  })
  test('a writer that removes itself at 0 takes back its own writes, not its removal', () => {
    const state = oracle(
      world({
        [A]: [genesis([B])],
        [B]: [write({ [A]: 1 }, [assign([], 'b')]), change({}, remove(B, 0))]
      })
    )
    expect(cutOffs(state)).toEqual([
      [A, null],
      [B, 0]
    ])
    expect(state.quarantined).toEqual({ [B]: 2 })
    expect(shown(state)).toBeUndefined()
  })
  test('transactions without membership operations are walked before any that has some', () => {
    // A's removal would leave B no turn, but B's plain transaction comes first and makes the owner C ready.
    const state = oracle(
      world({
        [A]: [genesis([B, C], { ownerKey: C }), change({}, remove(B, 0))],
        [B]: [write({ [A]: 1 }, [])],
        [C]: [change({ [A]: 1, [B]: 1 }, remove(A, 1))]
      })
    )
    expect(cutOffs(state)).toEqual([
      [A, 1],
      [B, null],
      [C, null]
    ])
  })
  test('only the first genesis record of the first transaction of the first log counts', () => {
    const record = (deleteWins: boolean, name: string) =>
      ({ type: 'genesis', deleteWins, ownerKey: null, name }) as const
    const state = oracle(
      world({
        [A]: [
          { membership: [record(false, 'one'), record(true, 'two'), add(B)] },
          change({}, record(true, 'three'))
        ],
        [B]: [change({}, record(true, 'four'))]
      })
    )
    expect([state.deleteWins, state.members[0]?.name]).toEqual([false, 'one'])
    expect(state.applied).toEqual({ [A]: 2, [B]: 1 })
  })
})
