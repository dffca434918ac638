import { UnionBeeError } from '../errors.ts'
import type { UnionCore } from '../union-core.ts'
import type { HistoryEntry, Key } from '../types.ts'
import { TOMBSTONE } from '../layers/tombstone-encoding.ts'
import type { Reading } from './generator-reader.ts'

export interface HistoryOptions {
  /** Each source's newest first. The order of the sources stays. @defaultValue false */
  reverse?: boolean
  /** Most entries of all sources together; -1 is no limit. @defaultValue -1 */
  limit?: number
}

/** All sources' histories, one after the other. A tombstone reads as a del. */
export async function* history<K extends Key, V>(
  { sources, keys }: UnionCore<K, V>,
  prefix: K | null,
  { reverse = false, limit = -1 }: HistoryOptions,
  { skipped, own }: Reading
): AsyncGenerator<HistoryEntry<K, V>> {
  let left = limit
  for (const handle of sources.handles) {
    if (left === 0) return
    try {
      const bee = await handle.open()
      if (bee.createHistoryStream === undefined) {
        const { name } = handle
        throw new UnionBeeError('UNION_BEE_UNSUPPORTED', `the source ${name} has no history`, {
          source: name
        })
      }
      const steps = own(bee.createHistoryStream({ ...handle.readOptions, ...(reverse && { reverse }) }))
      for await (const step of steps as AsyncIterable<HistoryEntry<K, V>>) {
        const key = handle.outerKey(step.key)
        if (prefix !== null && !keys.startsWith(key, prefix)) continue
        const isDel = (step.value as unknown) === TOMBSTONE
        yield {
          ...step,
          ...(isDel && { type: 'del' as const, value: null as V }),
          key: prefix === null ? key : keys.cut(key, prefix.length),
          source: handle.name
        }
        if (--left === 0) return
      }
    } catch (error) {
      const failure = handle.failure(error)
      if (handle.policy === 'fail' || failure.code === 'UNION_BEE_UNSUPPORTED') throw failure
      skipped.push({ source: handle.name, cause: failure })
    }
  }
}
