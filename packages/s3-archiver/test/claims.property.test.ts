import b4a from 'b4a'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { proofPlaces, coverPlaces } from '../src/format/page.ts'
import { checkClaims } from '../src/merkle/claims.ts'
import { leafOf, type TreeNode } from '../src/merkle/subtree.ts'
import { RunTree } from '../src/merkle/run-tree.ts'

const blockOf = (seq: number): Uint8Array => b4a.from(`block ${seq}`.repeat(1 + (seq % 3)))

function treeOf(length: number): RunTree {
  const tree = new RunTree(0, length)
  for (let seq = 0; seq < length; seq++) tree.add(blockOf(seq))
  return tree
}

const wanted = fc
  .integer({ min: 1, max: 200 })
  .chain((length) =>
    fc.tuple(
      fc.constant(length),
      fc.integer({ min: 0, max: 8 }),
      fc.uniqueArray(fc.integer({ min: 0, max: length - 1 }), { minLength: 1, maxLength: 20 })
    )
  )

/** Blocks with their proofs, and what is trusted beforehand. */
function claimsOf(length: number, height: number, seqs: readonly number[]) {
  const tree = treeOf(length)
  const at = (index: number): TreeNode => tree.node(index) as TreeNode
  const trusted = new Map(coverPlaces(length, height).map((index) => [index, at(index)]))
  for (const index of coverPlaces(length, 48)) trusted.set(index, at(index))
  const claims = [
    ...seqs.map((seq) => leafOf(seq, blockOf(seq))),
    ...proofPlaces(seqs, length, height).map(at)
  ]
  return { claims, trusted: (index: number): TreeNode | null => trusted.get(index) ?? null }
}

describe('blocks with the nodes that prove them', () => {
  test('lead to what is trusted, whatever blocks of whatever tree', () => {
    fc.assert(
      fc.property(wanted, ([length, height, seqs]) => {
        const { claims, trusted } = claimsOf(length, height, seqs)
        expect(checkClaims(claims, trusted)).not.toBeNull()
      })
    )
  })

  test('lead nowhere when a bit of any node is changed, or one is left out', () => {
    fc.assert(
      fc.property(wanted, fc.nat(), fc.nat(), ([length, height, seqs], which, bit) => {
        const { claims, trusted } = claimsOf(length, height, seqs)
        const changed = claims.map((node) => ({ ...node, hash: b4a.from(node.hash) }))
        const { hash } = changed[which % claims.length] as TreeNode
        hash[bit % 32] = (hash[bit % 32] ?? 0) ^ (1 << (bit % 8))
        expect(checkClaims(changed, trusted)).toBeNull()
        const places = proofPlaces(seqs, length, height)
        if (places.length === 0) return
        const left = claims.filter(({ index }) => index !== places[which % places.length])
        expect(checkClaims(left, trusted)).toBeNull()
      })
    )
  })
})
