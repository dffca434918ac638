import { collect } from '@cloudpal/test-kit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type BeeLike, createOverlay, UnionBee } from '../src/index.ts'
import { aKey, aRange, rows, runs } from './support/arbitraries.ts'
import { beeMaker } from './support/bees.ts'
import { entriesOf, select, united } from './support/model.ts'

/** How a tree of unions is made. */
type Spec =
  | { kind: 'leaf'; rows: Record<string, unknown> }
  | { kind: 'union'; parts: { part: Spec; prefix: string; cost: number }[] }
  | { kind: 'overlay'; below: Spec }
  | { kind: 'sub'; of: Spec }

interface Tree {
  bee: BeeLike
  /** What it shows, by the model. */
  rows: () => Map<string, unknown>
  overlays: { put(key: string, value: unknown): Promise<void>; del(key: string): Promise<void> }[]
}

const { tree: aTree } = fc.letrec<{ tree: Spec }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ kind: fc.constant('leaf' as const), rows }),
    fc.record({
      kind: fc.constant('union' as const),
      parts: fc.array(
        fc.record({
          part: tie('tree'),
          prefix: fc.constantFrom('', '', 'a', 'a\0', '\u{1f600}'),
          cost: fc.nat(1)
        }),
        { minLength: 1, maxLength: 3 }
      )
    }),
    fc.record({ kind: fc.constant('overlay' as const), below: tie('tree') }),
    fc.record({ kind: fc.constant('sub' as const), of: tie('tree') })
  )
}))

test('unions of overlays of subs of mounts, several deep, are one sorted map', async () => {
  const make = await beeMaker()
  const build = async (spec: Spec): Promise<Tree> => {
    if (spec.kind === 'leaf') {
      const map = new Map(Object.entries(spec.rows))
      return { bee: await make(spec.rows), rows: () => map, overlays: [] }
    }
    if (spec.kind === 'union') {
      const parts = await Promise.all(spec.parts.map(({ part }) => build(part)))
      const bee = new UnionBee(
        parts.map((part, i) => {
          const { prefix = '', cost = 0 } = spec.parts[i] ?? {}
          return { bee: part.bee, prefix, cost }
        })
      )
      return {
        bee,
        rows: () =>
          united(
            parts.map(
              (part, i) =>
                new Map([...part.rows()].map(([key, value]) => [`${spec.parts[i]?.prefix}${key}`, value]))
            )
          ) as Map<string, unknown>,
        overlays: parts.flatMap(({ overlays }) => overlays)
      }
    }
    if (spec.kind === 'sub') {
      const of = await build(spec.of)
      // A sub of a bee ends its open ranges after the prefix and a zero byte: only a union's sub is asked here.
      const union = new UnionBee([of.bee])
      const cut = () =>
        new Map(
          [...of.rows()]
            .filter(([key]) => key.startsWith('a\0') && key > 'a\0\0')
            .map(([key, value]) => [key.slice(2), value])
        )
      return { bee: union.sub('a'), rows: cut, overlays: of.overlays }
    }
    const below = await build(spec.below)
    const changes = new Map<string, unknown>()
    const overlay = createOverlay({ top: await make(), lower: below.bee })
    const mine = {
      put: async (key: string, value: unknown) => {
        changes.set(key, value)
        await overlay.put(key, value)
      },
      del: async (key: string) => {
        changes.set(key, undefined)
        await overlay.del(key)
      }
    }
    return {
      bee: overlay,
      rows: () => {
        const all = new Map([...below.rows(), ...changes])
        for (const [key, value] of changes) if (value === undefined) all.delete(key)
        return all
      },
      overlays: [mine, ...below.overlays]
    }
  }
  const key = fc.oneof(
    aKey,
    aKey.map((k) => `a\0${k}`),
    aKey.map((k) => `a${k}`)
  )
  await fc.assert(
    fc.asyncProperty(
      aTree,
      fc.array(fc.record({ at: fc.nat(9), key, value: fc.option(fc.nat(9)) }), { maxLength: 8 }),
      fc.array(aRange, { maxLength: 4 }),
      async (spec, writes, ranges) => {
        const { bee, rows: model, overlays } = await build(spec)
        await using root = new UnionBee([bee])
        for (const { at, key: k, value } of writes) {
          const overlay = overlays[at % overlays.length]
          if (value === null) await overlay?.del(k)
          else await overlay?.put(k, value)
        }
        const all = model()
        for (const range of [{}, { reverse: true }, { limit: 2 }, { reverse: true, limit: 1 }, ...ranges])
          expect(entriesOf(await collect(root.createReadStream(range)))).toEqual(select(all, range))
        for (const k of [...all.keys(), ...writes.map(({ key: k }) => k)])
          expect((await root.get(k))?.value).toEqual(all.get(k))
      }
    ),
    runs(150)
  )
})
