/** Every way to choose `size` of the items, in the order given. */
export function* subsets<T>(items: readonly T[], size: number): Generator<T[]> {
  const chosen = Array.from({ length: size }, (_, i) => i)
  if (size > items.length) return
  while (true) {
    yield chosen.map((at) => items[at] as T)
    let moving = size - 1
    while (moving >= 0 && chosen[moving] === items.length - size + moving) moving--
    if (moving < 0) return
    const from = (chosen[moving] ?? 0) + 1
    for (let i = moving; i < size; i++) chosen[i] = from + i - moving
  }
}

/** How many ways there are; `Infinity` above what a number counts exactly. */
export function countSubsets(items: number, size: number): number {
  let count = 1
  for (let i = 1; i <= Math.min(size, items - size); i++) count = (count * (items - i + 1)) / i
  return count <= Number.MAX_SAFE_INTEGER ? Math.round(count) : Infinity
}
