import { MultiBeeError } from '../errors.ts'
import type { Base } from '../engine/requests.ts'

/** A constructor that returns what it is given, so that a subclass adds its private fields to that. */
const Given = function (entry: object): object {
  return entry
} as unknown as new (entry: object) => object

/**
 * What an entry that was handed out had seen: a private field of the entry, so that entries are as plain as Hyperbee's. Nothing
 * lists, copies or compares it. A WeakMap does the same at many times the cost.
 */
class WithBase extends Given {
  readonly #base: Base

  constructor(entry: object, base: Base) {
    super(entry)
    this.#base = base
  }

  static baseOf(entry: object): Base | null {
    return #base in entry ? entry.#base : null
  }
}

/** To be called once for an entry. */
export function rememberBase<T extends object>(entry: T, base: Base): T {
  return new WithBase(entry, base) as unknown as T
}

/** @throws MultiBeeError `MULTI_BEE_BAD_BASE` for anything that was not read from this database as it is now */
function baseOf(entry: unknown): Base {
  const base = typeof entry === 'object' && entry !== null ? WithBase.baseOf(entry) : null
  if (base !== null) return base
  throw new MultiBeeError(
    'MULTI_BEE_BAD_BASE',
    '`base` is the very entry that get() returned, not a copy, and not from a checkout'
  )
}

/**
 * The `base` among a write's options; `null` without one.
 *
 * @throws MultiBeeError `MULTI_BEE_BAD_ARGUMENT`, `MULTI_BEE_BAD_BASE`
 */
export function baseIn(options: { base?: unknown }): Base | null {
  if (typeof options !== 'object' || options === null)
    throw new MultiBeeError('MULTI_BEE_BAD_ARGUMENT', 'options are an object')
  return options.base === undefined ? null : baseOf(options.base)
}
