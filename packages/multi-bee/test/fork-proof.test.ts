import { Cleanup, tmpStore } from '@cloudpal/test-kit'
import b4a from 'b4a'
import c from 'compact-encoding'
import fc from 'fast-check'
import Hypercore from 'hypercore'
import crypto, { type TreeNode } from 'hypercore-crypto'
import multisig from 'hypercore/lib/multisig.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { forkProof, provenFork, type SignedCopy } from '../src/log/fork-proof.ts'
import { forkOf } from './support/fork-proofs.ts'
import { runs } from './support/property-runs.ts'

/** Blocks of each copy: past two powers of two, so that trees have one root and many. */
const BLOCKS = 35

/** The places where copies part from the first one, in blocks: around powers of two, and in the middle. */
const PARTINGS = [0, 1, 2, 3, 4, 6, 7, 8, 15, 16, 21, 31, 32]

const pair = crypto.keyPair(b4a.alloc(32, 42))
const LOG = Hypercore.key(pair.publicKey)

/** A copy as it was signed at a length, with what leads there from a smaller one. */
type Copy = (differing: number, length: number) => SignedCopy

/** Blocks of many sizes; from `parting` on they are another history's, and every third one has another size too. */
function blockAt(place: number, parting: number): Uint8Array {
  if (place < parting) return b4a.alloc(1 + ((place * 7) % 5), 0xff)
  return b4a.alloc(1 + ((place * 7) % 5) + (place % 3 === 0 ? 1 : 0), parting)
}

/** Appends one block after the other and asks Hypercore for every proof there is. */
async function copyThatPartsAt(parting: number): Promise<Copy> {
  const core = (await tmpStore({ cleanup })).get({ keyPair: pair })
  await core.ready()
  expect(b4a.equals(core.key as Uint8Array, LOG)).toBe(true)
  const copies = new Map<string, SignedCopy>()
  for (let length = 1; length <= BLOCKS; length++) {
    await core.append(blockAt(length - 1, parting))
    for (let differing = 1; differing <= length; differing++) {
      const { upgrade } = (await core.proof({ upgrade: { start: 0, length: differing } })) as {
        upgrade: { nodes: TreeNode[]; additionalNodes: TreeNode[]; signature: Uint8Array }
      }
      const signature = multisig.inflate(upgrade.signature).proofs[0]?.signature as Uint8Array
      const nodes = [...upgrade.nodes, ...upgrade.additionalNodes]
      copies.set(`${differing} ${length}`, { length, nodes, signature })
    }
  }
  return (differing, length) => copies.get(`${differing} ${length}`) as SignedCopy
}

const cleanup = new Cleanup()
let honest: Copy
const others = new Map<number, Copy>()

beforeAll(async () => {
  honest = await copyThatPartsAt(Infinity)
  for (const parting of PARTINGS) others.set(parting, await copyThatPartsAt(parting))
})

afterAll(() => cleanup.run())

/** A length, and two at which copies are signed. */
const lengths = fc
  .tuple(...[1, 2, 3].map(() => fc.integer({ min: 1, max: BLOCKS })))
  .map(([a, b, c]) => [a, b, c].sort((x, y) => (x as number) - (y as number)) as [number, number, number])
  .chain(([differing, ...two]) =>
    fc.boolean().map((turned) => [differing, ...(turned ? two.reverse() : two)] as [number, number, number])
  )

const provenBy = (differing: number, one: SignedCopy, other: SignedCopy): number =>
  provenFork(forkProof(pair.publicKey, differing, [one, other]).proof, LOG)

/** A copy as somebody could tell it who has it and not its key. */
const sized = (copy: SignedCopy, sizes: readonly number[]): SignedCopy => ({
  ...copy,
  nodes: copy.nodes.map((node, i) => ({ ...node, size: sizes[i] ?? node.size }))
})

describe('two cores of one key pair that part', () => {
  test('are proven at every length past that, and at none before', () => {
    fc.assert(
      fc.property(fc.constantFrom(...PARTINGS), lengths, (parting, [differing, one, other]) => {
        const copies = [honest(differing, one), others.get(parting)?.(differing, other)] as [
          SignedCopy,
          SignedCopy
        ]
        for (const [a, b] of [copies, [...copies].reverse() as typeof copies]) {
          if (differing > parting) expect(provenBy(differing, a, b)).toBe(differing)
          else expect(() => provenBy(differing, a, b)).toThrow('not a fork')
        }
        expect(forkProof(pair.publicKey, differing, copies).agreed).toBe(differing - 1)
      }),
      runs(3000)
    )
  })

  test('are proven wherever both are cut off, all the lengths there are', () => {
    for (const parting of PARTINGS) {
      const other = others.get(parting) as Copy
      for (let differing = parting + 1; differing <= BLOCKS; differing += 3)
        for (const length of [differing, BLOCKS])
          expect(provenBy(differing, honest(differing, BLOCKS), other(differing, length))).toBe(differing)
    }
  })
})

describe('one honest core proves no fork of itself', () => {
  test('by two of its proofs', () => {
    fc.assert(
      fc.property(lengths, ([differing, one, other]) => {
        expect(() => provenBy(differing, honest(differing, one), honest(differing, other))).toThrow(
          'not a fork'
        )
      }),
      runs(1000)
    )
  })

  test('by two of its proofs between whose nodes bytes are moved: a parent has only the sum of its children', () => {
    const copy = honest(1, 2)
    const [left = 0, right = 0] = copy.nodes.map(({ size }) => size)
    expect(left + right).toBeGreaterThan(0)
    for (const moved of [
      [left - 1, right + 1],
      [left + right, 0],
      [0, left + right]
    ])
      expect(() => provenBy(1, copy, sized(copy, moved))).toThrow('not a fork')
    fc.assert(
      fc.property(lengths, fc.nat(), fc.nat(), fc.integer({ min: -9, max: 9 }), (three, from, to, by) => {
        const [differing, one, other] = three
        const sound = honest(differing, one)
        const sizes = sound.nodes.map(({ size }) => size)
        const [less, more] = [from % sizes.length, to % sizes.length]
        sizes[less] = Math.max(0, (sizes[less] ?? 0) - by)
        sizes[more] = Math.max(0, (sizes[more] ?? 0) + by)
        for (const honestly of [sound, honest(differing, other)])
          expect(() => provenBy(differing, honestly, sized(sound, sizes))).toThrow(/not a fork|not signed/)
      }),
      runs(3000)
    )
  })

  test('by proofs of which nodes or signatures are those of others of its proofs', () => {
    fc.assert(
      fc.property(lengths, lengths, fc.nat(), fc.nat(), fc.boolean(), (three, more, at, from, whole) => {
        const [differing, one, other] = three
        const sound = honest(differing, one)
        const foreign = honest(more[0], more[1])
        const taken = foreign.nodes[from % foreign.nodes.length] as TreeNode
        const nodes = sound.nodes.map((node, i) =>
          i === at % sound.nodes.length ? { ...taken, index: node.index } : node
        )
        const forged = { ...sound, nodes, signature: whole ? foreign.signature : sound.signature }
        expect(() => provenBy(differing, honest(differing, other), forged)).toThrow(/not a fork|not signed/)
      }),
      runs(2000)
    )
  })
})

describe('bytes that are no proof', () => {
  const uint = (value: number): Uint8Array => c.encode(c.uint, value)

  test('are refused, whatever they are: who counts up to the lengths that stand there does not end', () => {
    const number = fc.oneof(
      fc.nat(70),
      fc.constantFrom(
        ...[31, 32, 33, 47, 48, 49, 52].flatMap((bits) => [2 ** bits - 1, 2 ** bits]),
        2 ** 53 - 1
      )
    )
    const parts = fc.array(
      fc.oneof(
        number.map(uint),
        fc.uint8Array({ maxLength: 80 }),
        fc.constantFrom(32, 64, 33).map((length) => b4a.alloc(length, 1))
      ),
      { maxLength: 120 }
    )
    fc.assert(
      fc.property(number, parts, (differing, rest) => {
        const proof = b4a.concat([pair.publicKey, uint(differing), ...rest])
        expect(() => provenFork(proof, LOG)).toThrow(/./)
      }),
      runs(3000)
    )
  })

  test('up to the greatest lengths there are: every place around a power of two', () => {
    for (let bits = 0; bits <= 48; bits++) {
      for (const differing of [2 ** bits - 1, 2 ** bits, 2 ** bits + 1]) {
        if (differing < 1) continue
        const { proof } = forkOf(pair, differing - 1)
        if (differing > 2 ** 48) expect(() => provenFork(proof, LOG)).toThrow('too long')
        else expect(provenFork(proof, LOG)).toBe(differing)
      }
    }
  })
})
