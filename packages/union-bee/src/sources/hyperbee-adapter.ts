import b4a from 'b4a'
import type { BeeLike } from '../types.ts'

/** What tells a sub of a Hyperbee (hyperbee/index.js, `sub`) from other bees. */
interface HyperbeeSub {
  readonly prefix: Uint8Array
  sub(prefix: string, options: { sep: Uint8Array; keyEncoding: string }): unknown
}

/**
 * A snapshot of a Hyperbee's sub forgets that it is one: without bounds it reads the whole bee (`checkout` passes `_sub: false`). A sub of
 * that snapshot with nothing more in its prefix has the bounds again.
 */
export function boundedSnapshot<K, V>(
  source: BeeLike<K, V>,
  snapshot: BeeLike<K, V>,
  keyEncoding: 'utf-8' | 'binary'
): BeeLike<K, V> {
  if (!isHyperbeeSub(source) || !isHyperbeeSub(snapshot)) return snapshot
  return snapshot.sub('', { sep: b4a.alloc(0), keyEncoding }) as BeeLike<K, V>
}

function isHyperbeeSub(bee: object): bee is HyperbeeSub {
  return 'prefix' in bee && bee.prefix instanceof Uint8Array && 'sub' in bee
}
