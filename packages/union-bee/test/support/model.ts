/** A sorted map of text keys, written without a look at the package: what a union is compared with. */
export type Rows = ReadonlyMap<string, unknown>

export interface Range {
  gt?: string
  gte?: string
  lt?: string
  lte?: string
  reverse?: boolean
  limit?: number
}

/** In the order of UTF-8 bytes. */
export function sorted(rows: Rows): [string, unknown][] {
  return [...rows].toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

export function select(
  rows: Rows,
  { gt, gte, lt, lte, reverse = false, limit = -1 }: Range
): [string, unknown][] {
  const compare = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
  const within = sorted(rows).filter(([key]) => {
    if (gt !== undefined ? compare(key, gt) <= 0 : gte !== undefined && compare(key, gte) < 0) return false
    return lt !== undefined ? compare(key, lt) < 0 : lte === undefined || compare(key, lte) <= 0
  })
  const ordered = reverse ? within.toReversed() : within
  return limit === -1 ? ordered : ordered.slice(0, Math.max(0, limit))
}

/** The rows of several maps as one: of equal keys that of the first. */
export function united(maps: readonly Rows[]): Rows {
  const all = new Map<string, unknown>()
  for (const map of maps.toReversed()) for (const [key, value] of map) all.set(key, value)
  return all
}

export function entriesOf(entries: readonly { key: unknown; value: unknown }[]): [unknown, unknown][] {
  return entries.map(({ key, value }) => [key, value])
}
