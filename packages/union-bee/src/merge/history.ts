import { UnionBeeError } from '../errors.ts'
import type { UnionCore } from '../union-core.ts'
import { skippedWithin } from '../partial.ts'
import type { HistoryEntry, Key, Skipped } from '../types.ts'
import { TOMBSTONE } from '../layers/tombstone-encoding.ts'
import type { SourceHandle } from '../sources/source-handle.ts'
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
  reading: Reading
): AsyncGenerator<HistoryEntry<K, V>> {
  const { skipped } = reading
  let left = limit
  for (const handle of sources.handles) {
    if (left === 0) return
    handle.use()
    try {
      for await (const step of stepsOf(handle, reverse, reading)) {
        const key = handle.map.outerKey(step.key)
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
      if (!handle.mayBeSkipped || failure.code === 'UNION_BEE_UNSUPPORTED') throw failure
      skipped.push({ source: handle.name, cause: failure })
    } finally {
      handle.release()
    }
  }
}

/** A source's own steps, as long as it is not silent for too long. */
async function* stepsOf<K extends Key, V>(
  handle: SourceHandle<K, V>,
  reverse: boolean,
  { own, skipped }: Reading
): AsyncGenerator<HistoryEntry<K, V>> {
  const bee = await handle.open()
  if (bee.createHistoryStream === undefined) {
    const { name } = handle
    throw new UnionBeeError('UNION_BEE_UNSUPPORTED', `the source ${name} has no history`, { source: name })
  }
  const stream = own(bee.createHistoryStream({ ...handle.readOptions, ...(reverse && { reverse }) }))
  const steps = (stream as AsyncIterable<HistoryEntry<K, V>>)[Symbol.asyncIterator]()
  let isWaiting = false
  try {
    for (;;) {
      isWaiting = true
      const { done, value } = await handle.wait(steps.next())
      isWaiting = false
      if (done === true) break
      yield value
    }
    skipped.push(...skippedWithin(handle.name, (stream as { skipped?: readonly Skipped[] }).skipped ?? []))
  } finally {
    // One that is silent would not say that it has ended.
    const ended = steps.return?.().catch(() => {})
    if (!isWaiting) await ended
  }
}
