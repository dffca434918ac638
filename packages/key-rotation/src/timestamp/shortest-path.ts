/**
 * The shortest way from a node to one where it ends, without the node itself; `null` for none. Asks each node once, whatever circles and
 * side ways there are.
 */
export async function shortestPath<T>(
  from: T,
  nextOf: (node: T) => Promise<readonly T[]>,
  isEnd: (node: T) => boolean
): Promise<readonly T[] | null> {
  const before = new Map<T, T | null>([[from, null]])
  // What is added on the way is walked, too.
  for (const node of before.keys()) {
    for (const next of await nextOf(node)) {
      if (before.has(next)) continue
      before.set(next, node)
      if (isEnd(next)) return wayTo(next, before)
    }
  }
  return null
}

function wayTo<T>(end: T, before: ReadonlyMap<T, T | null>): readonly T[] {
  const way: T[] = []
  for (let node: T | null = end; node !== null; node = before.get(node) ?? null) way.unshift(node)
  return way.slice(1)
}
