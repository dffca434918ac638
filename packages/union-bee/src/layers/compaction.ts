import { UnionBeeError } from '../errors.ts'
import { isSameBee } from '../sources/hyperbee-adapter.ts'
import { isUnion, type UnionLike } from '../sources/nested.ts'
import type { BeeLike, Entry, Key, ValueCodec, WritableBeeLike } from '../types.ts'

/** Entries that one append holds. */
const FOLD_LENGTH = 1000

/** @throws UnionBeeError `UNION_BEE_BAD_ARGUMENT`, `UNION_BEE_NOT_EMPTY`, `UNION_BEE_SOURCE_FAILED` */
export async function checkBottom<K extends Key, V>(
  into: WritableBeeLike<K, V>,
  sources: UnionLike<K, V>['core']['sources']
): Promise<void> {
  await writing('the new bottom', async () => into.ready?.())
  for (const bee of beesOf(sources))
    if (isSameBee(bee, into))
      throw new UnionBeeError('UNION_BEE_BAD_ARGUMENT', 'the new bottom is one of the sources')
  const first = into.createReadStream({}, { limit: 1 })[Symbol.asyncIterator]()
  const { done } = await writing('the new bottom', () => first.next())
  await first.return?.()
  if (done !== true) throw new UnionBeeError('UNION_BEE_NOT_EMPTY', 'a new bottom is an empty bee')
}

/** Writes entries in byte order to the new bottom. @throws UnionBeeError `UNION_BEE_SOURCE_FAILED`, and what the reading throws */
export async function copy<K, V>(
  entries: AsyncIterable<Entry<K, V>>,
  into: WritableBeeLike<K, V>
): Promise<void> {
  const write = <T>(work: () => Promise<T>): Promise<T> => writing('the new bottom', work)
  let batch = into.batch()
  let count = 0
  try {
    for await (const { key, value } of entries) {
      await write(() => batch.put(key, value))
      if (++count % FOLD_LENGTH > 0) continue
      await write(() => batch.flush())
      batch = into.batch()
    }
    await write(() => batch.flush())
  } catch (error) {
    await batch.close()
    throw error
  }
}

/** Takes out of the top what is as it was when it was folded. @throws UnionBeeError `UNION_BEE_SOURCE_FAILED` */
export async function clearTop<K, V>(
  top: WritableBeeLike<K, V>,
  folded: BeeLike<K, V>,
  encoding: () => { valueEncoding: ValueCodec }
): Promise<void> {
  let entries: Entry<K, V>[] = []
  const clear = async (): Promise<void> => {
    const batch = top.batch(encoding())
    try {
      // Nobody else may write between the look and the deletion.
      await batch.lock?.()
      for (const { key, seq } of entries) if ((await batch.get(key))?.seq === seq) await batch.del(key)
      await batch.flush()
    } catch (error) {
      // Or its lock would stay.
      await batch.close()
      throw error
    }
    entries = []
  }
  await writing('the top', async () => {
    for await (const entry of folded.createReadStream({}, encoding())) {
      entries.push(entry)
      if (entries.length === FOLD_LENGTH) await clear()
    }
    await clear()
  })
}

/** All that is read, those of unions among the sources too. */
function* beesOf<K extends Key, V>({
  handles
}: UnionLike<K, V>['core']['sources']): Generator<BeeLike<K, V>> {
  for (const { openedBee } of handles) {
    if (openedBee === null) continue
    yield openedBee
    if (isUnion(openedBee)) yield* beesOf(openedBee.core.sources)
  }
}

async function writing<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new UnionBeeError('UNION_BEE_SOURCE_FAILED', `${what} could not be written`, { cause })
  }
}
