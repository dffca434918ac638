// flat-tree 1.13.0
declare module 'flat-tree' {
  /** Nodes of a binary tree, numbered in order: leaf `n` is `2 * n`. */
  interface FlatTree {
    /** Of the roots of a tree that ends before this leaf. */
    fullRoots(index: number): number[]
    /** `-1` for a leaf. */
    leftChild(index: number): number
    rightChild(index: number): number
    parent(index: number): number
    sibling(index: number): number
    /** How many nodes of its height lie left of it. */
    offset(index: number): number
    /** The first and the last leaf below. */
    spans(index: number): [first: number, last: number]
    /** The first leaf below. */
    leftSpan(index: number): number
    /** The last leaf below. */
    rightSpan(index: number): number
  }

  const flat: FlatTree
  export default flat
}
