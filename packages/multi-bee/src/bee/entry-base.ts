import { MultiBeeError } from '../errors.ts'
import type { Base } from '../engine/requests.ts'

/** What an entry that was handed out had seen. Kept apart, so that entries are as plain as Hyperbee's. */
const bases = new WeakMap<object, Base>()

export function rememberBase<T extends object>(entry: T, base: Base): T {
  bases.set(entry, base)
  return entry
}

/** @throws MultiBeeError `MULTI_BEE_BAD_BASE` for anything that was not read from this database as it is now */
function baseOf(entry: unknown): Base {
  const base = typeof entry === 'object' && entry !== null ? bases.get(entry) : undefined
  if (base !== undefined) return base
  throw new MultiBeeError(
    'MULTI_BEE_BAD_BASE',
    '`base` is the very entry that get() returned, not a copy, and not from a checkout'
  )
}

/**
 * The `base` among a write's options; `null` without one.
 *
 * @throws MultiBeeError `MULTI_BEE_BAD_BASE`, `MULTI_BEE_BAD_ARGUMENT`
 */
export function baseIn(options: { base?: unknown }): Base | null {
  if (typeof options !== 'object' || options === null)
    throw new MultiBeeError('MULTI_BEE_BAD_ARGUMENT', 'options are an object')
  return options.base === undefined ? null : baseOf(options.base)
}
