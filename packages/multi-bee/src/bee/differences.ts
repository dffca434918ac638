import b4a from 'b4a'

/** Two sides of one key; one of them may lack it. */
export interface Pair<L, R> {
  left: L | null
  right: R | null
}

/** Walks two sorted sequences together and yields where they differ. Holds one entry of each. */
export async function* differences<L extends { key: Uint8Array }, R extends { key: Uint8Array }>(
  left: AsyncIterable<L>,
  right: AsyncIterable<R>,
  isSame: (left: L, right: R) => boolean,
  reverse = false
): AsyncGenerator<Pair<L, R>> {
  const [lefts, rights] = [left[Symbol.asyncIterator](), right[Symbol.asyncIterator]()]
  try {
    let [l, r] = [await lefts.next(), await rights.next()]
    while (!l.done || !r.done) {
      const order = l.done ? 1 : r.done ? -1 : b4a.compare(l.value.key, r.value.key) * (reverse ? -1 : 1)
      const pair = {
        left: order <= 0 && !l.done ? l.value : null,
        right: order >= 0 && !r.done ? r.value : null
      }
      if (pair.left === null || pair.right === null || !isSame(pair.left, pair.right)) yield pair
      if (order <= 0) l = await lefts.next()
      if (order >= 0) r = await rights.next()
    }
  } finally {
    await Promise.all([lefts.return?.(), rights.return?.()])
  }
}
